package router

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

// TestACrashAtAnyPointLosesNothingAndPaysOnce kills the router at its first touch of the world, its second, and so on, until it lives
// through a payment; each time its next life must bring the payment to its end.
func TestACrashAtAnyPointLosesNothingAndPaysOnce(t *testing.T) {
	newWorld(t).dieEverywhere(7, func(*client.Payment) {})
}

// dieEverywhere lives through a payment once every touch of the world has been deadly, which are at least least; check looks at each
// payment once it is paid.
func (w *world) dieEverywhere(least int, check func(*client.Payment)) {
	w.Helper()
	w.start("other", nil).fund("acme", "USD", "100000.00")
	w.dieAtEach(least, func(r *replica, key string) error {
		_, err := r.api.Pay(w.Context(), key, request("10.00"))
		return err
	}, func(r *replica, key string, answered bool) {
		// Whatever the client saw, it asks again and gets the one answer.
		p := r.becomes(r.pay(key, "10.00").ID, client.Paid)
		if answered && p.Attempt == 0 {
			w.Errorf("%s: %+v", key, p)
		}
		check(p)
	})
}

// dieAtEach sends something with one key after the other, to a router that dies at its first touch of the world, its second, and so on,
// until it lives; resume brings what was sent to its end with the next life.
func (w *world) dieAtEach(least int, send func(r *replica, key string) error, resume func(r *replica, key string, answered bool)) {
	w.Helper()
	for n := 1; ; n++ {
		m := &mortal{left: n}
		w.between = func(p fx.Provider) fx.Provider { return mortalProvider{p, m} }
		r := w.start("a", mortalLedger{w.ledger, m})
		key := fmt.Sprintf("k%d", n)
		err := send(r, key)
		w.until("it died or ended the payment", func() bool { return m.dead() || r.calm() })
		lived := !m.dead()
		m.mu.Lock()
		m.left = 0 // it does nothing more
		m.mu.Unlock()
		r.stop()

		w.between = nil
		next := w.start("a", nil)
		resume(next, key, err == nil)
		next.stop()
		w.audit()
		if lived {
			w.Logf("lived through a payment with %d touches", n-1)
			if n < least {
				w.Errorf("only %d touches: the faults are not where they should be", n-1)
			}
			return
		}
		w.Logf("%d: died %s", n, m.where)
		if n > 60 {
			w.Fatal("it never lives")
		}
	}
}

// calm says that the replica has nothing in memory.
func (r *replica) calm() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.active) == 0
}

// script makes every payment go to antom, whose answers follow the script.
func (w *world) script(s *scripted) {
	for i := range w.region.Corridors {
		w.region.Corridors[i].Providers = []plan.RouteMember{{Name: "antom"}}
	}
	if err := plan.Seal(w.region); err != nil {
		w.Fatal(err)
	}
	w.between = func(p fx.Provider) fx.Provider {
		s.Provider = p
		return s
	}
}

type answers = []func(func() (fx.Status, error)) (fx.Status, error)

func unknown(func() (fx.Status, error)) (fx.Status, error) {
	return fx.Status{}, &fx.Error{Op: "pay", Class: fx.Uncertain, Code: "timeout", Err: errors.New("no answer")}
}

// taken passes the call on and loses the answer.
func takenThenLost(pass func() (fx.Status, error)) (fx.Status, error) {
	if _, err := pass(); err != nil {
		return fx.Status{}, err
	}
	return unknown(nil)
}

func says(o fx.Outcome) func(func() (fx.Status, error)) (fx.Status, error) {
	return func(func() (fx.Status, error)) (fx.Status, error) { return fx.Status{Outcome: o}, nil }
}

func TestUnknownOutcomesAreQueriedAndNeverPaidAgain(t *testing.T) {
	for name, c := range map[string]struct {
		pay, query answers
		// sent is how often Pay may have been called with the one ID.
		sent int
	}{
		"lost answer":                 {answers{takenThenLost}, nil, 1},
		"unknown result":              {answers{func(p func() (fx.Status, error)) (fx.Status, error) { _, _ = p(); return says(fx.Unknown)(nil) }}, nil, 1},
		"queries fail too":            {answers{takenThenLost}, answers{unknown, unknown, says(fx.Unknown), says(fx.Pending)}, 1},
		"never arrived":               {answers{unknown}, nil, 2},
		"never arrived, twice":        {answers{unknown, unknown}, nil, 3},
		"pending, then not found":     {answers{says(fx.Pending)}, nil, 2},
		"resend refused for a moment": {answers{unknown, retryable}, nil, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := &scripted{pay: c.pay, query: c.query}
			w.script(s)
			r := w.start("a", nil)
			r.fund("acme", "USD", "100.00")
			p := r.becomes(r.pay("k", "10.00").ID, client.Paid)
			r.stop()
			if len(s.paid) != c.sent {
				t.Errorf("sent %d times, want %d", len(s.paid), c.sent)
			}
			for _, id := range append(s.paid, s.asked...) {
				if id != s.paid[0] {
					t.Errorf("instructions %v, queries %v", s.paid, s.asked)
				}
			}
			if p.Attempt != 1 {
				t.Errorf("attempt %d", p.Attempt)
			}
			w.audit()
		})
	}
}

func retryable(func() (fx.Status, error)) (fx.Status, error) {
	return fx.Status{}, &fx.Error{Op: "pay", Class: fx.Retryable, Code: "circuit-open", Err: errors.New("not sent")}
}

func TestAnUncertainPaymentGoesOverNoOtherRoute(t *testing.T) {
	w := newWorld(t)
	s := &scripted{pay: answers{unknown}}
	stay := answers{}
	for range 30 {
		stay = append(stay, says(fx.Unknown))
	}
	s.query = stay
	w.between = func(p fx.Provider) fx.Provider { // every provider shares the script: a second route would show
		s.Provider = p
		return s
	}
	r := w.start("a", nil)
	r.fund("acme", "USD", "100.00")
	id := r.pay("k", "10.00").ID
	w.until("it was asked for long", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.query) < 5
	})
	s.mu.Lock()
	if len(s.paid) != 1 {
		t.Errorf("sent %v", s.paid)
	}
	s.query = answers{says(fx.Failed)}
	s.mu.Unlock()
	// Only now, that the provider failed it, another route is taken, under another ID.
	p := r.becomes(id, client.Paid)
	if p.Attempt != 2 {
		t.Errorf("attempt %d", p.Attempt)
	}
	r.stop()
	if len(s.paid) != 2 || s.paid[0] == s.paid[1] {
		t.Errorf("sent %v", s.paid)
	}
	w.audit()
}

func TestWhatNeverLeftGoesOverAnotherRouteOrWaits(t *testing.T) {
	w := newWorld(t)
	s := &scripted{pay: answers{retryable, retryable, retryable, retryable, retryable}}
	w.script(s)
	r := w.start("a", nil)
	r.fund("acme", "USD", "100.00")
	p := r.becomes(r.pay("k", "10.00").ID, client.Paid)
	r.stop()
	if p.Attempt != 6 || len(s.paid) != 6 {
		t.Errorf("attempt %d, sent %d times", p.Attempt, len(s.paid))
	}
	w.audit()
}

func TestALateConfirmationIsWaitedForAcrossLivesAndReplicas(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"antom", "pingpong", "lianlian"} {
		if err := w.sim.SetFaults(name, sim.Faults{LateBps: 10000, Late: plan.Text(1500 * time.Millisecond)}); err != nil {
			t.Fatal(err)
		}
	}
	w.pace.Lease, w.pace.Memory = 600*time.Millisecond, 10*time.Millisecond
	a := w.start("a", nil)
	a.fund("acme", "USD", "1000.00")
	ids := make([]string, 20)
	for i := range ids {
		ids[i] = a.pay(fmt.Sprintf("k%d", i), "10.00").ID
	}
	w.until("one waits in the ledger", func() bool {
		n, err := w.ledger.CountRecords(context.Background(), kindPayment, "")
		return err == nil && n["pending"] > 0
	})
	a.stop()
	b := w.start("b", nil) // another replica: it waits for the leases to run out
	for _, id := range ids {
		b.becomes(id, client.Paid)
	}
	w.audit()
}

func TestTheLedgerGoingAwayHoldsPaymentsUpAndLosesNone(t *testing.T) {
	w := newWorld(t)
	f := &faulty{Ledger: w.ledger}
	r := w.start("a", f)
	r.fund("acme", "USD", "1000.00")
	// Every second commit fails before it is booked, every third after.
	broken := away(2)
	f.fail(broken)
	f.failAfter(away(3))
	ids := map[string]bool{}
	for i := range 20 {
		key := fmt.Sprintf("k%d", i)
		w.until(key+" is taken", func() bool {
			p, err := r.api.Pay(context.Background(), key, request("10.00"))
			if err == nil {
				ids[p.ID] = true
			} else if prob := w.problemOf(err); prob.Status != 503 {
				t.Fatalf("%s: %v", key, prob)
			}
			return err == nil
		})
	}
	if len(ids) != 20 {
		t.Errorf("%d payments for 20 keys", len(ids))
	}
	for id := range ids {
		r.becomes(id, client.Paid)
	}
	f.fail(nil)
	f.failAfter(nil)
	w.audit()
}

// TestAPaymentTakenOverIsLeftAlone has a replica lose its lease while it waits for the provider: it must stop, and the other go on.
func TestAPaymentTakenOverIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	entered, leave := make(chan struct{}), make(chan struct{})
	s := &slow{entered: entered, leave: leave}
	w.between = func(p fx.Provider) fx.Provider { return &slowProvider{p, s} }
	w.pace.Lease = 200 * time.Millisecond
	a := w.start("a", nil)
	a.fund("acme", "USD", "100.00")
	id := a.pay("k", "10.00").ID
	<-entered
	w.between = nil
	b := w.start("b", nil)
	b.becomes(id, client.Paid)
	close(leave)
	w.until("the first replica lets go", a.calm)
	p, err := b.api.Payment(t.Context(), id)
	if err != nil || p.Status != client.Paid || p.Attempt != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	w.audit()
}

type slow struct {
	once           sync.Once
	entered, leave chan struct{}
}

// slowProvider pays, and gives its first answer only when told to.
type slowProvider struct {
	fx.Provider
	*slow
}

func (p *slowProvider) Pay(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	st, err := p.Provider.Pay(ctx, i)
	p.once.Do(func() {
		close(p.entered)
		<-p.leave
	})
	return st, err
}
