package fxtest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
)

// TestNothingIsPaidTwiceWhateverProvidersDo pays as the router must, through guards, at four misbehaving providers that share one judge:
// failover only after a refusal; else query until it is known, and send again only what was not found, under the same ID.
func TestNothingIsPaidTwiceWhateverProvidersDo(t *testing.T) {
	payments := 400
	if testing.Short() {
		payments = 80
	}
	first := Start(t, "PingPong", func(o *sim.Options, _ *plan.Provider) { o.Clock = time.Now })
	faults := sim.Faults{ErrorBps: 300, UnknownBps: 500, SlowBps: 200, Slow: plan.Duration(time.Second), LateBps: 1000, Late: plan.Duration(30 * time.Millisecond),
		RefuseBps: 500, MalformedBps: 200, BadSignatureBps: 100, SpreadBps: 20}
	var providers []fx.Provider
	for _, adapter := range []string{"PingPong", "LianLian", "Antom", "OpenFX"} {
		p := first.Neighbour(t, adapter)
		p.Misbehave(t, faults)
		spec := p.Spec
		spec.ExecuteTimeout, spec.QuoteTimeout = plan.Duration(300*time.Millisecond), plan.Duration(300*time.Millisecond)
		spec.BreakerOpen, spec.MaxConcurrent = plan.Duration(10*time.Millisecond), 16
		providers = append(providers, fx.Guard(p.Provider, spec.Name, fx.LimitsOf(spec), nil, nil))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	paid := map[string]bool{}
	lanes := make(chan struct{}, 16)
	for n := range payments {
		wg.Go(func() {
			lanes <- struct{}{}
			defer func() { <-lanes }()
			uetr := uuid.NewString()
			ok := pay(t, providers, n, uetr)
			mu.Lock()
			defer mu.Unlock()
			paid[uetr] = ok
		})
	}
	wg.Wait()
	want := 0
	for _, ok := range paid {
		if ok {
			want++
		}
	}
	r := first.Simulator.Report(true)
	if len(r.Duplicates) != 0 || r.Conflicts != 0 || r.Processing != 0 || r.Succeeded != want || want < payments*9/10 {
		t.Errorf("%d of %d believed paid; the judge has %d succeeded, %d processing, %d conflicts, duplicates %+v", want, payments, r.Succeeded,
			r.Processing, r.Conflicts, r.Duplicates)
	}
	for _, e := range r.Entries {
		if e.State == "succeeded" && !paid[e.Reference] {
			t.Errorf("paid, and not known: %+v", e)
		}
	}
}

// attempts is how often a payment goes round the providers before it is given up.
const attempts = 40

func pay(t *testing.T, providers []fx.Provider, n int, uetr string) bool {
	for attempt := range attempts {
		p := providers[(n+attempt)%len(providers)]
		ask := Ask()
		q, err := p.Quote(t.Context(), ask)
		if err == nil {
			q, err = p.Lock(t.Context(), q)
		}
		if err != nil {
			continue
		}
		i := Instruct(q)
		i.ID, i.UETR = fmt.Sprintf("soak-%d-%d", n, attempt), uetr
		if settled, ok := follow(t, p, i); settled {
			if ok {
				return true
			}
		}
	}
	return false
}

// follow sends an instruction and finds out what becomes of it.
func follow(t *testing.T, p fx.Provider, i fx.Instruction) (known, ok bool) {
	s, err := p.Pay(t.Context(), i)
	var e *fx.Error
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; {
		switch {
		case err == nil && s.Outcome == fx.Succeeded:
			return true, true
		case err == nil && s.Outcome == fx.Failed:
			return true, false
		case err == nil && s.Outcome == fx.NotFound:
			// Not taken so far; what was sent may still be under way. The same ID again is the one thing that is safe.
			s, err = p.Pay(t.Context(), i)
			continue
		case errors.As(err, &e) && e.Class == fx.Final:
			return true, false
		}
		if time.Now().After(deadline) {
			t.Errorf("%s stays unknown: %+v, %v", i.ID, s, err)
			return false, false
		}
		<-tick.C
		s, err = p.Query(t.Context(), i)
	}
}
