package route

import (
	"reflect"
	"testing"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route/rules"
)

func TestByWayOfAnotherCurrency(t *testing.T) {
	legs := func(hkd string) []fx.Quote {
		return []fx.Quote{
			quote(t, "a", "7.10"), leggedQuote(t, "b", "USD", "HKD", "7.80"), leggedQuote(t, "c", "USD", "HKD", hkd),
			leggedQuote(t, "b", "HKD", "CNY", "0.915"),
		}
	}
	c := corridor(t, nil)
	d := c.Choose(Payment{ID: "p", Amount: usd(10001)}, legs("7.79"), nil, rate(t, "7.2"), noon)
	if got := order(d); got != "b/night a/night" {
		t.Fatalf("%s; %s", got, d.Why())
	}
	r := d.Routes[0]
	// 100.01 USD × 7.80 = 780.08 HKD (780.078); × 0.915 = 713.77 CNY (713.7732).
	if r.Received.Decimal() != "713.77" || len(r.Locks()) != 2 || r.Legs[0].Provider != "b" || r.Legs[0].Buy.Decimal() != "780.08" ||
		r.Legs[1].Sell != r.Legs[0].Buy || r.Legs[1].Buy != r.Received {
		t.Errorf("%+v", r)
	}
	if r.Quote.Rate.String() != "7.137" || r.SpreadBps != 88 || r.Quote.Sell != r.Principal || r.Quote.Buy != r.Received {
		t.Errorf("together %+v, %d bps", r.Quote, r.SpreadBps)
	}
	// The best first leg is taken, from whomever.
	if d := c.Choose(Payment{ID: "p", Amount: usd(10001)}, legs("7.81"), nil, money.Rate{}, noon); d.Routes[0].Legs[0].Provider != "c" {
		t.Errorf("first leg by %s", d.Routes[0].Legs[0].Provider)
	}
}

func TestExcludingTheFirstLegExcludesTheRoute(t *testing.T) {
	c := corridor(t, func(_ *plan.Region, c *plan.Corridor) {
		c.Rules = []plan.Rule{{Name: "not b", When: "payment.amount > 1", Action: rules.Exclude, Providers: []string{"b"}}}
	})
	q := []fx.Quote{leggedQuote(t, "b", "USD", "HKD", "7.80"), leggedQuote(t, "a", "HKD", "CNY", "0.915")}
	if d := c.Choose(Payment{ID: "p", Amount: usd(10001)}, q, nil, money.Rate{}, noon); len(d.Routes) != 0 || skips(d)["a/night"] != SkipRule {
		t.Errorf("%s; %s", order(d), d.Why())
	}
}

func TestLegFeesAndFirmness(t *testing.T) {
	c := corridor(t, func(_ *plan.Region, c *plan.Corridor) { c.Strategy = Cheapest })
	first, second := leggedQuote(t, "b", "USD", "HKD", "7.80"), leggedQuote(t, "c", "HKD", "CNY", "0.915")
	first.Guaranteed, second.Guaranteed = true, true
	second.Fee = money.FromMinor(5000, "HKD")
	d := c.Choose(Payment{ID: "p", Amount: usd(10000)}, []fx.Quote{quote(t, "a", "7.10"), first, second}, nil, money.Rate{}, noon)
	if order(d) != "a/night c/night" || !d.Routes[1].Quote.Guaranteed {
		t.Errorf("%s; %s", order(d), d.Why())
	}
}

func TestPairsWorthAsking(t *testing.T) {
	c := corridor(t, func(r *plan.Region, _ *plan.Corridor) {
		r.Providers[0].Pairs = []plan.Pair{{Sell: "USD", Buy: "CNY"}, {Sell: "USD", Buy: "HKD"}, {Sell: "USD", Buy: "JPY"}, {Sell: "EUR", Buy: "CNY"}}
		r.Providers[1].Pairs = []plan.Pair{{Sell: "HKD", Buy: "CNY"}}
	})
	for name, want := range map[string][]Pair{
		"a": {{"USD", "CNY"}, {"USD", "HKD"}}, "b": {{"HKD", "CNY"}}, "c": {{"USD", "CNY"}}, "z": nil,
	} {
		if got := c.Pairs(name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestOnwardFromALegThatIsDone(t *testing.T) {
	c := corridor(t, func(_ *plan.Region, c *plan.Corridor) {
		c.SpreadCapBps = 100
		c.FeeTiers = []plan.FeeTier{{From: "0", Fixed: "3.00"}} // as it is by now; 1.00 was taken
		c.Rules = []plan.Rule{{Name: "no b", When: "payment.amount > 1", Action: rules.Exclude, Providers: []string{"b"}}}
	})
	done := leggedQuote(t, "b", "USD", "HKD", "7.80")
	done.Sell, done.Buy, done.Expires = usd(10000), money.FromMinor(78000, "HKD"), noon.Add(-time.Hour)
	health := map[string]Health{"b": {Down: true}}
	quotes := []fx.Quote{quote(t, "a", "7.20"), leggedQuote(t, "c", "HKD", "CNY", "0.915"), leggedQuote(t, "a", "HKD", "CNY", "0.9155"), leggedQuote(t, "a", "USD", "HKD", "7.8")}
	d := c.Onward(Payment{ID: "p", Amount: usd(10100)}, done, quotes, inOrder(c, health), rate(t, "7.2"), noon)
	if order(d) != "a/night c/night" {
		t.Fatalf("%s; %s", order(d), d.Why())
	}
	r := d.Routes[0]
	if r.Fee != usd(100) || r.Principal != done.Sell || r.Received.Decimal() != "714.09" || len(r.Legs) != 2 || r.Legs[0].Buy != done.Buy ||
		r.Legs[1].Sell != done.Buy || !r.Quote.Expires.After(noon) {
		t.Errorf("%+v", r)
	}
	// 7.80 × 0.91 is more than 100 bps below 7.2.
	d = c.Onward(Payment{ID: "p", Amount: usd(10100)}, done, []fx.Quote{leggedQuote(t, "c", "HKD", "CNY", "0.91")}, inOrder(c, health), rate(t, "7.2"), noon)
	if len(d.Routes) != 0 || skips(d)["c/"] != SkipSpread {
		t.Errorf("%s; %s", order(d), d.Why())
	}
	done.Rate = money.Rate{}
	if d := c.Onward(Payment{ID: "p", Amount: usd(10100)}, done, quotes, nil, rate(t, "7.2"), noon); len(d.Routes) != 0 || skips(d)["b/"] != SkipInconsistent {
		t.Errorf("%s; %s", order(d), d.Why())
	}
}
