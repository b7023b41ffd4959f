package pingpong_test

import (
	"testing"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/fxtest"
	"qiantang.dev/rails/internal/fx/pingpong"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/internal/sim/judge"
)

// At /nowhere payouts never arrive: what an adapter that stopped between exchange and payout leaves.
func TestQuerySendsThePayoutThatItsExchangeWaitsFor(t *testing.T) {
	p := fxtest.Start(t, "PingPong", nil)
	cut := fxtest.Start(t, "PingPong", func(_ *sim.Options, spec *plan.Provider) {
		spec.Parameters = map[string]string{"payoutPath": "/nowhere"}
	})
	i := fxtest.Instruct(cut.Locked(t))
	if s, err := cut.Provider.Pay(t.Context(), i); err == nil {
		t.Fatalf("%+v", s)
	}
	if _, ok := cut.Simulator.Book().Find(judge.Key{Provider: "pingpong", Kind: judge.Exchange, ID: i.ID}); !ok {
		t.Fatal("no exchange")
	}
	if _, paid := cut.Paid(i); paid {
		t.Fatal("paid")
	}
	whole, err := pingpong.Open(plan.Provider{Name: "pingpong", Endpoint: cut.Server.URL + "/pingpong"}, p.Secrets, cut.Server.Client())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if s, err := whole.Query(t.Context(), i); err != nil || s.Outcome != fx.Succeeded || s.Paid != i.Quote.Buy {
			t.Errorf("%+v, %v", s, err)
		}
	}
	if r := cut.Simulator.Report(false); r.Payouts != 1 || r.Exchanges != 1 || r.Conflicts != 0 {
		t.Errorf("the judge has %+v", r)
	}
}

func TestAccounts(t *testing.T) {
	p := fxtest.Start(t, "PingPong", nil)
	a, ok := p.Provider.(*pingpong.Adapter)
	if !ok {
		t.Fatal("not the adapter")
	}
	q := p.Locked(t)
	f := sim.Faults{LateBps: 10000}
	f.Late = 60e9
	p.Misbehave(t, f)
	if _, err := p.Provider.Pay(t.Context(), fxtest.Instruct(q)); err != nil {
		t.Fatal(err)
	}
	accounts, err := a.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range accounts {
		if x.Kind == "TEMP_ACCOUNT" && x.Balance == q.Buy && x.Balance.Currency() == money.Currency("CNY") {
			return
		}
	}
	t.Errorf("nothing waits in the TEMP_ACCOUNT: %+v", accounts)
}
