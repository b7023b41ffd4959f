package router

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/settle"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

// TestEveryPaymentEndsOnceWhileEverythingMisbehaves sends payments (QIANTANG_CHAOS of them, 600 where unset) through providers that
// err, refuse, lose answers, confirm late and go away, to two replicas of which one is stopped and started all the time.
func TestEveryPaymentEndsOnceWhileEverythingMisbehaves(t *testing.T) {
	total := 600
	if n, err := strconv.Atoi(os.Getenv("QIANTANG_CHAOS")); err == nil {
		total = n
	}
	newWorld(t).chaos(total)
}

// TestLegsEndOnceWhileEverythingMisbehaves does the same to payments by way of another currency.
func TestLegsEndOnceWhileEverythingMisbehaves(t *testing.T) {
	w := newWorld(t)
	w.byHKD(false)
	w.chaos(200)
	w.positions()
}

// chaos sends total payments into misbehaviour and waits for their ends.
func (w *world) chaos(total int) {
	w.Helper()
	w.pace.Lease, w.pace.Memory = time.Second, 50*time.Millisecond
	bad := sim.Faults{SpreadBps: 20, ErrorBps: 300, UnknownBps: 300, RefuseBps: 200, MalformedBps: 100, LateBps: 300, Late: plan.Text(100 * time.Millisecond), SlowBps: 100, Slow: plan.Text(50 * time.Millisecond)}
	names := []string{"antom", "pingpong", "lianlian"}
	for _, name := range names {
		if err := w.sim.SetFaults(name, bad); err != nil {
			w.Fatal(err)
		}
	}
	steady := w.start("steady", nil)
	steady.fund("acme", "USD", "9000000.00")

	stop := make(chan struct{})
	var trouble sync.WaitGroup
	trouble.Go(func() { // one provider after the other goes away for a while; a replica comes and goes
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			name := names[i%len(names)]
			away := bad
			away.Outage = i%2 == 0
			if err := w.sim.SetFaults(name, away); err != nil {
				w.Error(err)
			}
			flaky := w.start("flaky", nil)
			select {
			case <-stop:
				flaky.stop()
				for _, name := range names {
					if err := w.sim.SetFaults(name, sim.Faults{}); err != nil {
						w.Error(err)
					}
				}
				return
			case <-tick.C:
			}
			for j := range 5 { // what it accepts, it may not live to pay
				key := fmt.Sprintf("flaky-%d-%d", i, j)
				if _, err := flaky.api.Pay(context.Background(), key, request("3.00")); err != nil && w.problemOf(err).Status != 503 {
					w.Errorf("%s: %v", key, err)
				}
			}
			flaky.stop()
		}
	})

	keys := make(chan string)
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			for key := range keys {
				w.until(key+" is answered", func() bool {
					_, err := steady.api.Pay(context.Background(), key, request("10.00"))
					var p *client.Problem
					return err == nil || errors.As(err, &p) && p.Instance != ""
				})
			}
		})
	}
	for i := range total {
		keys <- fmt.Sprintf("chaos-%d", i)
	}
	close(keys)
	senders.Wait()
	close(stop)
	trouble.Wait()

	w.Cleanup(func() {
		if !w.Failed() {
			return
		}
		for _, state := range []State{client.Accepted, client.Instructing, client.Pending, client.Uncertain} {
			recs, err := w.ledger.Records(context.Background(), ledger.RecordQuery{Kind: kindPayment, State: string(state), Limit: 3})
			for _, rec := range recs {
				w.Logf("left: %s version %d due %s: %s (%v)", state, rec.Version, rec.Due, rec.Body, err)
			}
		}
	})
	// As long as some payment ends or moves, the others may take their time: how fast this goes is the machine's.
	for moved := true; moved; {
		before := fmt.Sprint(w.standing())
		if w.ended() {
			break
		}
		w.until("a payment moves", func() bool {
			moved = fmt.Sprint(w.standing()) != before
			return moved || w.ended()
		})
	}
	n, err := w.ledger.CountRecords(w.Context(), kindPayment, "")
	w.Logf("ends: %v, %v", n, err)
	if b, err := w.ledger.Balance(w.Context(), "customer:acme:USD"); err != nil || b.PendingOut != 0 {
		w.Errorf("still reserved: %d, %v", b.PendingOut, err)
	}
	w.audit()
}

func TestAPaymentWhoseWindowClosesUnderItIsBookedInTheNext(t *testing.T) {
	w := newWorld(t)
	var once sync.Once
	f := &faulty{Ledger: w.ledger}
	var closed string
	f.fail(func(c ledger.Commit) error {
		if len(c.Requires) == 0 {
			return nil
		}
		once.Do(func() { // the settler comes first, between the assignment and the commit
			closed = c.Requires[0].Key
			rec, err := w.ledger.Record(context.Background(), settle.KindWindow, closed)
			if err == nil {
				_, err = w.ledger.Apply(context.Background(), ledger.Commit{Puts: []ledger.Put{{
					Kind: rec.Kind, Key: rec.Key, Expect: rec.Version, State: settle.StateClosing, Group: rec.Group, Body: rec.Body,
				}}})
			}
			if err != nil {
				t.Error(err)
			}
		})
		return nil
	})
	r := w.start("a", f)
	r.fund("acme", "USD", "100.00")
	p := r.becomes(r.pay("k", "10.00").ID, client.Paid)
	if closed == "" || p.Window == closed || p.Window != closed[:len(closed)-1]+"2" {
		t.Errorf("booked in %q after %q was closed", p.Window, closed)
	}
	for window, want := range map[string]int{closed: 0, p.Window: 2} {
		if pos, err := w.ledger.WindowPositions(t.Context(), window); err != nil || len(pos) != want {
			t.Errorf("window %s: %+v, %v", window, pos, err)
		}
	}
	// Once its window has settled, so has the payment.
	rec, err := w.ledger.Record(t.Context(), settle.KindWindow, p.Window)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ledger.Apply(t.Context(), ledger.Commit{Puts: []ledger.Put{{Kind: rec.Kind, Key: rec.Key, Expect: rec.Version, State: settle.StateSettled, Group: rec.Group, Body: rec.Body}}}); err != nil {
		t.Fatal(err)
	}
	if p, err := r.api.Payment(t.Context(), p.ID); err != nil || p.Status != client.Settled {
		t.Errorf("%+v, %v", p, err)
	}
	w.audit()
}

// standing counts payments by state.
func (w *world) standing() map[string]int64 {
	w.Helper()
	n, err := w.ledger.CountRecords(context.Background(), kindPayment, "")
	if err != nil {
		w.Fatal(err)
	}
	return n
}

// ended says whether no payment needs work any more.
func (w *world) ended() bool {
	w.Helper()
	for state, n := range w.standing() {
		if n > 0 && working(State(state)) {
			return false
		}
	}
	return true
}
