package settle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

var errKilled = errors.New("killed")

// killer stops a settler at its n-th effect on the world: before it, or after it and before the settler learns of it. Whatever the
// settler tries from then on fails, as for a process that is gone.
type killer struct {
	mu    sync.Mutex
	left  int
	after bool
	dead  bool
}

// effect runs do unless the settler is dead, and reports whether it lives on.
func (k *killer) effect(do func() error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dead {
		return errKilled
	}
	k.left--
	if k.left > 0 {
		return do()
	}
	k.dead = true
	if k.after {
		_ = do()
	}
	return errKilled
}

func (k *killer) killed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.dead
}

// mortal is a ledger that dies with its killer.
type mortal struct {
	ledger.Ledger
	k *killer
}

func (m mortal) Apply(ctx context.Context, c ledger.Commit) (r ledger.Receipt, err error) {
	err = m.k.effect(func() error {
		var applied error
		r, applied = m.Ledger.Apply(ctx, c)
		return applied
	})
	return r, err
}

type mortalFiles struct {
	store
	k *killer
}

func (m mortalFiles) write(name string, content []byte) error {
	return m.k.effect(func() error { return m.store.write(name, content) })
}

type mortalTransport struct{ k *killer }

func (m mortalTransport) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	err = m.k.effect(func() error {
		var sent error
		resp, sent = http.DefaultTransport.RoundTrip(r)
		return sent
	})
	if err != nil && resp != nil {
		_ = resp.Body.Close()
	}
	return resp, err
}

func (b *bench) mortal(k *killer) *Settler {
	s := b.settler(mortal{b.ledger, k}, mortalFiles{files{dir: b.dir}, k})
	s.opt.Client = &http.Client{Transport: mortalTransport{k}}
	return s
}

func TestAWindowSettlesExactlyOnceWhereverTheSettlerIsKilled(t *testing.T) {
	for _, model := range []string{ModelMultilateral, ModelGross} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, effect done %v", model, after), func(t *testing.T) {
				t.Parallel()
				for n := 1; ; n++ {
					if !killedAt(t, model, n, after) {
						if n < 8 {
							t.Fatalf("only %d effects: the test reaches nothing", n)
						}
						return
					}
				}
			})
		}
	}
}

// killedAt settles one window with a settler that is killed at its n-th effect and another that goes on. It reports false where the
// first came to the end alive.
func killedAt(t *testing.T, model string, n int, after bool) bool {
	b := newBench(t)
	b.region.Schedules[0].Model = model
	f := b.clearing(func(_ string, asked int) (int, string) {
		return http.StatusOK, []string{"PDNG", "ACSC"}[min(asked-1, 1)]
	})
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	b.owe("qiantang-pay", "pingpong", "11.00", "USD")
	b.owe("pingpong", "qiantang-pay", "3.00", "USD")
	b.owe("qiantang-pay", "lianlian", "5.00", "USD")
	b.owe("lianlian", "pingpong", "70.00", "CNY")
	k := &killer{left: n, after: after}
	first := b.mortal(k)
	ctx := context.Background()
	_ = first.RequestRun(ctx, plan.RunRequest{Name: "run", Schedule: "shanghai-daily"})
	for range 4 {
		_ = first.Step(ctx)
		b.later(followEvery)
	}
	died := k.killed()

	// The plan changes meanwhile: what was netted stays as it was, or the clearing system would see other content under a known MsgId.
	b.region.Participants[0].BIC = "QTPYHKHH"
	second := b.settler(b.ledger, nil)
	if err := second.RequestRun(ctx, plan.RunRequest{Name: "run", Schedule: "shanghai-daily"}); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		b.later(maxBackoff)
		b.step(second)
	}
	r := b.run(second, "run")
	if r.Phase != "Settled" || r.Payments != 5 {
		t.Fatalf("killed at %d: report %+v", n, r)
	}
	for _, who := range []string{"qiantang-pay", "pingpong", "lianlian"} {
		if got := b.balance(who, "USD"); got != 0 {
			t.Errorf("killed at %d: %s is left with %d cents", n, who, got)
		}
	}
	entries, err := b.ledger.EntriesByReference(ctx, "run")
	want := map[string]int{ModelMultilateral: 3, ModelGross: 4}[model]
	if err != nil || len(entries) != want {
		t.Errorf("killed at %d: %d bookings, want %d (%v)", n, len(entries), want, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seen) != len(r.Instructions) {
		t.Errorf("killed at %d: the clearing system has %d messages, the run %d", n, len(f.seen), len(r.Instructions))
	}
	for _, i := range r.Instructions {
		if f.seen[i.MessageID] == "" {
			t.Errorf("killed at %d: %s never arrived", n, i.MessageID)
		}
	}
	return died
}

func TestTwoSettlersOnOneLedgerSettleOnce(t *testing.T) {
	b := newBench(t)
	f := b.clearing(func(string, int) (int, string) { return http.StatusOK, "ACSC" })
	for range 20 {
		b.owe("qiantang-pay", "pingpong", "1.00", "USD")
	}
	b.set("2026-11-23T09:00:00Z")
	settlers := []*Settler{b.settler(b.ledger, nil), b.settler(b.ledger, nil), b.settler(b.ledger, nil)}
	var wg sync.WaitGroup
	for _, s := range settlers {
		wg.Go(func() {
			for range 5 {
				_ = s.Step(context.Background())
			}
		})
	}
	wg.Wait()
	b.later(maxBackoff)
	b.step(settlers[0])
	r := b.run(settlers[1], "shanghai-daily-us-east-20261123t0900z-1")
	if r.Phase != "Settled" || b.balance("pingpong", "USD") != 0 || len(f.seen) != 1 {
		t.Errorf("report %+v, pingpong left with %d, %d messages", r, b.balance("pingpong", "USD"), len(f.seen))
	}
}

func TestNoObligationLandsInAClosedWindow(t *testing.T) {
	b := newBench(t)
	s := b.settler(b.ledger, nil)
	ctx := context.Background()
	const routers, each = 4, 25
	var wg sync.WaitGroup
	for range routers {
		own := NewAssigner(b.ledger, b.now)
		if err := own.Switch(b.region); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for range each {
				if err := b.tryOwe(own, "qiantang-pay", "pingpong", money.FromMinor(100, "USD")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 10 {
		if err := s.RequestRun(ctx, plan.RunRequest{Name: fmt.Sprint("run-", i), Schedule: "shanghai-daily"}); err != nil {
			t.Error(err)
		}
		b.step(s)
	}
	wg.Wait()
	if err := s.RequestRun(ctx, plan.RunRequest{Name: "last", Schedule: "shanghai-daily"}); err != nil {
		t.Fatal(err)
	}
	b.step(s)
	runs, err := s.Reports(ctx, 100)
	if err != nil {
		t.Fatal(err)
	}
	var counted int64
	for _, r := range runs {
		if r.Phase != "Settled" {
			t.Errorf("run %+v", r)
		}
		counted += r.Payments
	}
	if counted != routers*each || b.balance("pingpong", "USD") != 0 {
		t.Errorf("%d obligations settled of %d, pingpong left with %d", counted, routers*each, b.balance("pingpong", "USD"))
	}
}

func TestAssignersAgreeAndKeepTheWindowUntilItsCutOff(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	other := NewAssigner(b.ledger, b.now)
	if err := other.Switch(b.region); err != nil {
		t.Fatal(err)
	}
	a1, err1 := b.assigner.Assign(ctx, "shanghai-daily")
	a2, err2 := other.Assign(ctx, "shanghai-daily")
	if err1 != nil || err2 != nil || a1.Window != a2.Window {
		t.Fatalf("%v and %v (%v, %v)", a1, a2, err1, err2)
	}
	b.set("2026-11-23T08:59:59Z")
	if a, err := b.assigner.Assign(ctx, "shanghai-daily"); err != nil || a.Window != a1.Window {
		t.Errorf("a second before: %v (%v)", a, err)
	}
	b.set("2026-11-23T09:00:00Z")
	if a, err := b.assigner.Assign(ctx, "shanghai-daily"); err != nil || a.Window != "shanghai-daily@2026-11-24T09:00:00Z#1" {
		t.Errorf("at the cut-off: %v (%v)", a, err)
	}
	var unknown *UnknownScheduleError
	if _, err := b.assigner.Assign(ctx, "nowhere"); !errors.As(err, &unknown) {
		t.Errorf("unknown schedule: %v", err)
	}
	b.assigner.Refresh(ctx, "nonsense")
}
