package fxtest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/adapters"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
)

// tries is how many instructions a share of lost answers is tried on: both kinds of loss come up.
const tries = 40

func lostAnswer(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	var sent []fx.Instruction
	for range tries {
		sent = append(sent, Instruct(p.Locked(t)))
	}
	p.Misbehave(t, sim.Faults{UnknownBps: 10000})
	for _, i := range sent {
		s, err := p.Provider.Pay(t.Context(), i)
		if err == nil {
			t.Errorf("pay: %+v, want an error", s)
			continue
		}
		want(t, p, "pay", err, fx.Uncertain)
	}
	p.Misbehave(t, sim.Faults{})
	found, missing := 0, 0
	for _, i := range sent {
		_, there := p.Paid(i)
		s, err := p.Provider.Query(t.Context(), i)
		switch {
		case err != nil:
			t.Errorf("query: %v", err)
		case s.Outcome == fx.Succeeded:
			found++
		case s.Outcome == fx.NotFound && !there:
			missing++
			// Only now, and under the same ID, may it be sent again.
			if s, err = p.Provider.Pay(t.Context(), i); err != nil || s.Outcome != fx.Succeeded {
				t.Errorf("paid again: %+v, %v", s, err)
			}
		default:
			t.Errorf("query says %+v, the judge has it: %t", s, there)
		}
	}
	if found == 0 || missing == 0 {
		t.Errorf("%d found, %d not: want both", found, missing)
	}
	if r := p.Simulator.Report(false); r.Payouts != tries || r.Succeeded != tries || len(r.Duplicates) != 0 || r.Conflicts != 0 {
		t.Errorf("the judge has %+v", r)
	}
}

// fails checks that every operation fails as it must where nothing can be learned of the provider, and that nobody is paid.
func fails(t *testing.T, p *Peer, faults sim.Faults) {
	t.Helper()
	locked := p.Locked(t)
	p.Misbehave(t, faults)
	for range 12 {
		_, err := p.Provider.Quote(t.Context(), Ask())
		want(t, p, "quote", err, fx.Retryable)
		i := Instruct(locked)
		_, err = p.Provider.Pay(t.Context(), i)
		want(t, p, "pay", err, fx.Uncertain)
		_, err = p.Provider.Query(t.Context(), i)
		want(t, p, "query", err, fx.Retryable)
	}
}

func serverErrors(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	fails(t, p, sim.Faults{ErrorBps: 10000})
	if r := p.Simulator.Report(false); r.Payouts != 0 {
		t.Errorf("the judge has %+v", r)
	}
}

func outage(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	fails(t, p, sim.Faults{Outage: true})
	if r := p.Simulator.Report(false); r.Payouts != 0 {
		t.Errorf("the judge has %+v", r)
	}
}

func malformed(t *testing.T, adapter string) {
	fails(t, Start(t, adapter, nil), sim.Faults{MalformedBps: 10000})
}

func tooLate(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	i := Instruct(p.Locked(t))
	p.Misbehave(t, sim.Faults{SlowBps: 10000, Slow: plan.Duration(time.Hour)})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := p.Provider.Pay(ctx, i)
	want(t, p, "pay", err, fx.Uncertain)
	if _, code := classOf(err); code != "timeout" {
		t.Errorf("code %s, want timeout", code)
	}
	_, err = p.Provider.Quote(ctx, Ask())
	want(t, p, "quote", err, fx.Retryable)
	_, err = p.Provider.Query(ctx, i)
	want(t, p, "query", err, fx.Retryable)
	p.Misbehave(t, sim.Faults{})
	// Whatever was taken before the time was up is what becomes of it.
	if s, err := p.Provider.Query(t.Context(), i); err != nil || s.Outcome != fx.Succeeded {
		t.Errorf("query: %+v, %v", s, err)
	}
}

func cancelled(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	i := Instruct(p.Locked(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Provider.Quote(ctx, Ask())
	want(t, p, "quote", err, fx.Retryable)
	if _, code := classOf(err); code != "cancelled" {
		t.Errorf("code %s, want cancelled", code)
	}
	// Nothing had left: the same may be sent again.
	_, err = p.Provider.Pay(ctx, i)
	want(t, p, "pay", err, fx.Retryable)
	if _, ok := p.Paid(i); ok {
		t.Error("the judge has it")
	}
}

func nobodyThere(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	i := Instruct(p.Locked(t))
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	spec := p.Spec
	spec.Endpoint = "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := adapters.Open(spec, p.Secrets, p.Server.Client())
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Quote(t.Context(), Ask())
	want(t, p, "quote", err, fx.Retryable)
	_, err = a.Pay(t.Context(), i)
	want(t, p, "pay", err, fx.Retryable)
	_, err = a.Query(t.Context(), i)
	want(t, p, "query", err, fx.Retryable)
}

// somebodyElse: what answers is not the provider, but a proxy in between. None of its words may be taken for the provider's.
func somebodyElse(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	i := Instruct(p.Locked(t))
	for _, status := range []int{200, 204, 302, 307, 400, 401, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if status/100 == 3 {
				http.Redirect(w, r, p.Spec.Endpoint+r.URL.Path, status)
				return
			}
			w.WriteHeader(status)
			if status != http.StatusNoContent {
				_, _ = w.Write([]byte("<html>nginx</html>"))
			}
		}))
		spec := p.Spec
		spec.Endpoint = proxy.URL
		a, err := adapters.Open(spec, p.Secrets, proxy.Client())
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Quote(t.Context(), Ask())
		want(t, p, "quote", err, fx.Retryable, fx.Final)
		_, err = a.Pay(t.Context(), i)
		class := fx.Uncertain
		if status == http.StatusTooManyRequests {
			class = fx.Retryable
		}
		want(t, p, "pay", err, class)
		s, err := a.Query(t.Context(), i)
		if err == nil {
			t.Errorf("status %d: query says %+v", status, s)
		} else {
			want(t, p, "query", err, fx.Retryable)
		}
		proxy.Close()
	}
	if r := p.Simulator.Report(false); r.Payouts != 0 {
		t.Errorf("the judge has %+v", r)
	}
}
