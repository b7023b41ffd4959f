package antom_test

import (
	"errors"
	"testing"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/adapters"
	"qiantang.dev/rails/internal/fx/fxtest"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
)

func TestAnswersWithAnothersSignatureAreNotBelieved(t *testing.T) {
	p := fxtest.Start(t, "Antom", nil)
	i := fxtest.Instruct(p.Locked(t))
	p.Misbehave(t, sim.Faults{BadSignatureBps: 10000})
	check := func(op string, err error, class fx.Class) {
		t.Helper()
		var e *fx.Error
		if !errors.As(err, &e) || e.Class != class || e.Code != "signature" || e.Op != op {
			t.Errorf("%s: %v, want %s", op, err, class)
		}
	}
	_, err := p.Provider.Quote(t.Context(), fxtest.Ask())
	check("quote", err, fx.Retryable)
	_, err = p.Provider.Pay(t.Context(), i)
	check("pay", err, fx.Uncertain)
	_, err = p.Provider.Query(t.Context(), i)
	check("query", err, fx.Retryable)
	p.Misbehave(t, sim.Faults{})
	if s, err := p.Provider.Query(t.Context(), i); err != nil || s.Outcome != fx.Succeeded {
		t.Errorf("afterwards: %+v, %v", s, err)
	}
}

func TestSandboxPaths(t *testing.T) {
	p := fxtest.Start(t, "Antom", func(_ *sim.Options, spec *plan.Provider) { spec.Parameters = map[string]string{"sandbox": "true"} })
	if s, err := p.Provider.Pay(t.Context(), fxtest.Instruct(p.Locked(t))); err != nil || s.Outcome != fx.Succeeded {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestALockedQuotePaysOnce(t *testing.T) {
	p := fxtest.Start(t, "Antom", nil)
	q := p.Locked(t)
	if _, err := p.Provider.Pay(t.Context(), fxtest.Instruct(q)); err != nil {
		t.Fatal(err)
	}
	_, err := p.Provider.Pay(t.Context(), fxtest.Instruct(q))
	var e *fx.Error
	if !errors.As(err, &e) || e.Class != fx.Final {
		t.Errorf("the second instruction: %v", err)
	}
	if r := p.Simulator.Report(false); r.Payouts != 1 {
		t.Errorf("the judge has %+v", r)
	}
}

func TestLockTellsOfAMovedPrice(t *testing.T) {
	p := fxtest.Start(t, "Antom", nil)
	q, err := p.Provider.Quote(t.Context(), fxtest.Ask())
	if err != nil {
		t.Fatal(err)
	}
	p.Misbehave(t, sim.Faults{SpreadBps: 100})
	locked, err := p.Provider.Lock(t.Context(), q)
	if err != nil || locked.Sell != q.Sell || locked.Rate.Cmp(q.Rate) >= 0 || locked.Buy.Minor() >= q.Buy.Minor() {
		t.Errorf("quoted %+v, locked %+v, %v", q, locked, err)
	}
}

func TestParametersAreChecked(t *testing.T) {
	p := fxtest.Start(t, "Antom", nil)
	spec := p.Spec
	spec.Parameters = map[string]string{"maxSkew": "-1s"}
	if _, err := adapters.Open(spec, p.Secrets, nil); err == nil {
		t.Error("took a negative maxSkew")
	}
}
