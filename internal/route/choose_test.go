package route

import (
	"maps"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route/rules"
)

func TestStrategies(t *testing.T) {
	day := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	fee := func(q []fx.Quote) []fx.Quote { q[0].Fee = usd(200); return q }
	for _, tc := range []struct {
		name, strategy string
		quotes         []fx.Quote
		health         map[string]Health
		at             time.Time
		want           string
	}{
		{"most is received", BestAmount, quotes(t, "7.10", "7.12", "7.11"), nil, noon, "b/night c/night a/night"},
		{"equal amounts go over what is sooner", BestAmount, quotes(t, "7.10", "7.12"), nil, day, "b/day b/night a/day a/night"},
		{"equal in all goes by the corridor's order", BestAmount, quotes(t, "7.10", "7.10", "7.10"), nil, noon, "a/night b/night c/night"},
		{"cheapest counts the provider's fee", Cheapest, fee(quotes(t, "7.12", "7.11")), nil, noon, "b/night a/night"},
		{"best amount does not", BestAmount, fee(quotes(t, "7.12", "7.11")), nil, noon, "a/night b/night"},
		{"fastest goes by arrival", Fastest, quotes(t, "7.12", "7.11"), map[string]Health{"a": {Latency: time.Second}}, day,
			"b/day a/day b/night a/night"},
		{"priority is the members' own", Priority, quotes(t, "7.10", "7.12", "7.11"), nil, noon, "a/night b/night c/night"},
	} {
		c := corridor(t, func(_ *plan.Region, c *plan.Corridor) { c.Strategy = tc.strategy })
		for i := range tc.quotes {
			tc.quotes[i].Expires = tc.at.Add(time.Minute)
		}
		d := c.Choose(Payment{ID: "p", Amount: usd(100000)}, tc.quotes, inOrder(c, tc.health), money.Rate{}, tc.at)
		if got := order(d); got != tc.want {
			t.Errorf("%s: %s, want %s; %s", tc.name, got, tc.want, d.Why())
		}
	}
}

func TestARouteSaysWhatItCosts(t *testing.T) {
	c := corridor(t, func(_ *plan.Region, c *plan.Corridor) {
		c.FeeTiers = []plan.FeeTier{{From: "0", Bps: 100, Fixed: "1.00"}}
		c.SpreadCapBps = 50
	})
	d := c.Choose(Payment{ID: "p", Amount: usd(100000)}, quotes(t, "7.182"), nil, rate(t, "7.2"), noon)
	if len(d.Routes) != 1 {
		t.Fatal(d.Why())
	}
	r := d.Routes[0]
	if r.Fee != usd(1100) || r.Principal != usd(98900) || r.Received.Decimal() != "7103.00" || r.SpreadBps != 25 || r.Spread.Decimal() != "17.80" {
		t.Errorf("fee %v, principal %v, received %v, spread %d bps, %v", r.Fee, r.Principal, r.Received, r.SpreadBps, r.Spread)
	}
	if !r.Arrival.Equal(noon.Add(time.Hour)) || !r.Quote.Expires.Equal(noon.Add(30*time.Second)) {
		t.Errorf("arrives %v, quote expires %v", r.Arrival, r.Quote.Expires)
	}
	if r.Quote.Sell != r.Principal || r.Quote.Buy != r.Received || len(r.Locks()) != 1 || r.Locks()[0].Provider != "a" {
		t.Errorf("quote %+v", r.Quote)
	}
	better := c.Choose(Payment{ID: "p", Amount: usd(100000)}, quotes(t, "7.2072"), nil, rate(t, "7.2"), noon).Routes[0]
	if better.SpreadBps != -10 || !better.Spread.IsNegative() {
		t.Errorf("a better rate: %d bps, %v", better.SpreadBps, better.Spread)
	}
}

func TestAFirmQuoteForThePrincipalIsTakenAtItsWord(t *testing.T) {
	c := corridor(t, nil)
	q := quote(t, "a", "7.12345")
	q.ID, q.Sell, q.Buy = "q1", usd(100001), money.FromMinor(712352, "CNY")
	d := c.Choose(Payment{ID: "p", Amount: usd(100001)}, []fx.Quote{q}, nil, money.Rate{}, noon)
	if r := d.Routes[0]; r.Received.Minor() != 712352 || r.Quote.ID != "q1" {
		t.Errorf("received %v", r.Received)
	}
	// For another amount it counts by its rate, and stays as it is.
	d = c.Choose(Payment{ID: "p", Amount: usd(200002)}, []fx.Quote{q}, nil, money.Rate{}, noon)
	if r := d.Routes[0]; r.Received.Minor() != 1424704 || r.Quote.Sell != usd(100001) {
		t.Errorf("received %v on %+v", r.Received, r.Quote)
	}
}

func TestWhatIsSkippedSaysWhy(t *testing.T) {
	change := func(f func(*fx.Quote)) []fx.Quote {
		q := quotes(t, "7.1", "7.1", "7.1")
		f(&q[0])
		return q
	}
	for _, tc := range []struct {
		name   string
		quotes []fx.Quote
		health map[string]Health
		amount int64
		ref    string
		capBps int64
		want   map[string]string
	}{
		{"no quote", quotes(t, "", "7.1", "7.1"), nil, 1000, "", 0, map[string]string{"a/": SkipNoQuote}},
		{"down and silent", quotes(t, "", "7.1", "7.1"), map[string]Health{"a": {Down: true, Reason: "5 failures"}}, 1000, "", 0, map[string]string{"a/": SkipDown}},
		{"down and quoting", quotes(t, "7.1", "7.1", "7.1"), map[string]Health{"a": {Down: true}}, 1000, "", 0, map[string]string{"a/": SkipDown}},
		{"a stranger", append(quotes(t, "7.1", "7.1", "7.1"), quote(t, "z", "7.2")), nil, 1000, "", 0, map[string]string{"z/": SkipUnknown}},
		{"expired", change(func(q *fx.Quote) { q.Expires = noon }), nil, 1000, "", 0, map[string]string{"a/": SkipExpired}},
		{"no expiry", change(func(q *fx.Quote) { q.Expires = time.Time{} }), nil, 1000, "", 0, map[string]string{"a/": SkipExpired}},
		{"no rate", change(func(q *fx.Quote) { q.Rate = money.Rate{} }), nil, 1000, "", 0, map[string]string{"a/": SkipInconsistent}},
		{"absurd rate", change(func(q *fx.Quote) { q.Rate = rate(t, "9999999999") }), nil, 1000, "", 0, map[string]string{"a/": SkipInconsistent}},
		{"amounts that its rate denies", change(func(q *fx.Quote) { q.Sell, q.Buy = usd(1000), money.FromMinor(7200, "CNY") }), nil, 1000, "", 0,
			map[string]string{"a/": SkipInconsistent}},
		{"a cent of rounding is all right", change(func(q *fx.Quote) { q.Sell, q.Buy = usd(1000), money.FromMinor(7101, "CNY") }), nil, 1000, "", 0, nil},
		{"a fee in another currency", change(func(q *fx.Quote) { q.Fee = money.FromMinor(1, "CNY") }), nil, 1000, "", 0, map[string]string{"a/": SkipInconsistent}},
		{"no currency", change(func(q *fx.Quote) { q.Sell = money.Zero("XXX") }), nil, 1000, "", 0, map[string]string{"a/": SkipInconsistent}},
		{"another pair", change(func(q *fx.Quote) { q.Sell, q.Buy = money.Zero("EUR"), money.Zero("JPY") }), nil, 1000, "", 0, map[string]string{"a/": SkipPair}},
		{"half the way there", change(func(q *fx.Quote) { q.Buy = money.Zero("HKD") }), nil, 1000, "", 0, map[string]string{"a/": SkipNoSecondQuote}},
		{"half the way from there", change(func(q *fx.Quote) { q.Sell = money.Zero("HKD") }), nil, 1000, "", 0, map[string]string{"a/": SkipNoSecondQuote}},
		{"beyond the cap", quotes(t, "7.0", "7.17", "7.2"), nil, 1000, "7.2", 50, map[string]string{"a/": SkipSpread}},
		{"at the cap", quotes(t, "7.164", "7.17", "7.2"), nil, 1000, "7.2", 50, nil},
		{"a hair beyond the cap", quotes(t, "7.163999999", "7.17", "7.2"), nil, 1000, "7.2", 50, map[string]string{"a/": SkipSpread}},
		{"no reference to judge by", quotes(t, "7.1", "7.1", "7.1"), nil, 1000, "", 50,
			map[string]string{"a/": SkipNoReference, "b/": SkipNoReference, "c/": SkipNoReference}},
		{"above the rail's limit", quotes(t, "7.1", "7.1", "5"), nil, 1000000, "", 0,
			map[string]string{"a/night": SkipRailMaximum, "b/night": SkipRailMaximum}},
		{"nothing comes of it", quotes(t, "0.01", "7.1", "7.1"), nil, 1, "", 0, map[string]string{"a/": SkipNothing}},
	} {
		c := corridor(t, func(_ *plan.Region, c *plan.Corridor) { c.SpreadCapBps = tc.capBps })
		d := c.Choose(Payment{ID: "p", Amount: usd(tc.amount)}, tc.quotes, inOrder(c, tc.health), rate(t, tc.ref), noon)
		want := map[string]string{"/day": SkipRailClosed, "/hk": SkipRailCurrency}
		maps.Copy(want, tc.want)
		if got := skips(d); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", tc.name, got, want)
		}
		for _, s := range d.Skipped {
			if s.Detail == "" {
				t.Errorf("%s: %+v has no detail", tc.name, s)
			}
		}
	}
}

func TestTooLittleForARail(t *testing.T) {
	c := corridor(t, func(r *plan.Region, _ *plan.Corridor) { r.Rails[1].MinAmount = "100" })
	d := c.Choose(Payment{ID: "p", Amount: usd(100)}, quotes(t, "7.1"), nil, money.Rate{}, noon)
	if skips(d)["a/night"] != SkipRailMinimum || !strings.Contains(d.Why(), "7.10 CNY is below the rail's minimum of 100 CNY") {
		t.Error(d.Why())
	}
	if !strings.Contains(d.Why(), "closed, opens Tue 2026-11-24 08:30 CST") {
		t.Error(d.Why())
	}
}

func TestDenials(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(*plan.Corridor)
		payment Payment
		code    string
		say     string
	}{
		{"draining", func(c *plan.Corridor) { c.Draining = true }, Payment{Amount: usd(1000)}, DeniedDraining, "us-cn"},
		{"currency", nil, Payment{Amount: money.FromMinor(1, "EUR")}, DeniedCurrency, "EUR"},
		{"nothing", nil, Payment{Amount: usd(0)}, DeniedMinimum, "0.01 USD"},
		{"negative", nil, Payment{Amount: usd(-5)}, DeniedMinimum, "-0.05 USD"},
		{"too little", func(c *plan.Corridor) { c.MinAmount = "10" }, Payment{Amount: usd(999)}, DeniedMinimum, "10.00 USD"},
		{"too much", func(c *plan.Corridor) { c.MaxAmount = "10" }, Payment{Amount: usd(1001)}, DeniedMaximum, "10.01 USD"},
		{"purpose", func(c *plan.Corridor) { c.Purposes = []string{"GDDS"} }, Payment{Amount: usd(1), Purpose: "SALA"}, DeniedPurpose, "SALA"},
		{"all fee", func(c *plan.Corridor) { c.FeeTiers = []plan.FeeTier{{From: "0", Fixed: "1"}} }, Payment{Amount: usd(100)}, DeniedFee, "1.00 USD"},
		{"rule", func(c *plan.Corridor) {
			c.Rules = []plan.Rule{{Name: "sanctioned", When: "payment.beneficiary.country == 'KP'", Action: rules.Deny, Message: "not there"}}
		}, Payment{Amount: usd(100), BeneficiaryCountry: "KP"}, DeniedRule, "not there"},
		{"rule without a message", func(c *plan.Corridor) {
			c.Rules = []plan.Rule{{Name: "big", When: "payment.amount > 1", Action: rules.Deny}}
		}, Payment{Amount: usd(101)}, DeniedRule, "big"},
		{"rule that fails", func(c *plan.Corridor) {
			c.Rules = []plan.Rule{{Name: "tier", When: "payment.metadata.tier == 'bad'", Action: rules.Deny}}
		}, Payment{Amount: usd(101)}, DeniedRule, "could not be decided"},
	} {
		c := corridor(t, func(_ *plan.Region, c *plan.Corridor) {
			if tc.change != nil {
				tc.change(c)
			}
		})
		d := c.Choose(tc.payment, quotes(t, "7.1"), nil, money.Rate{}, noon)
		if d.Denied == nil || d.Denied.Code != tc.code || !strings.Contains(d.Why(), tc.say) || len(d.Routes) > 0 {
			t.Errorf("%s: %+v, want %s with %q", tc.name, d.Denied, tc.code, tc.say)
		}
	}
	c := corridor(t, func(_ *plan.Region, c *plan.Corridor) {
		c.Rules = []plan.Rule{{Name: "big", When: "payment.amount > 1", Action: rules.Deny}}
	})
	if d := c.Choose(Payment{Amount: usd(100)}, quotes(t, "7.1"), nil, money.Rate{}, noon); d.Denied != nil || len(d.Routes) != 1 {
		t.Errorf("one dollar is not more than one: %s", d.Why())
	}
}

func TestRulesPreferAndExclude(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rules []plan.Rule
		want  string
	}{
		{"none", nil, "c/night b/night a/night"},
		{"prefer by list", []plan.Rule{{When: "payment.amount > 1", Action: rules.Prefer, Providers: []string{"a"}}}, "a/night c/night b/night"},
		{"prefer does not hold", []plan.Rule{{When: "payment.amount > 10000", Action: rules.Prefer, Providers: []string{"a"}}}, "c/night b/night a/night"},
		{"the first preference counts", []plan.Rule{
			{When: "true", Action: rules.Prefer, Providers: []string{"b"}}, {When: "true", Action: rules.Prefer, Providers: []string{"a", "b"}},
		}, "b/night a/night c/night"},
		{"exclude by list", []plan.Rule{{When: "now.hour('UTC') == 12", Action: rules.Exclude, Providers: []string{"c"}}}, "b/night a/night"},
		{"exclude by name in the rule", []plan.Rule{{When: "provider.name == 'c' && payment.purpose == 'GDDS'", Action: rules.Exclude}}, "b/night a/night"},
		{"exclude by quote", []plan.Rule{{When: "quote.received < 7101", Action: rules.Exclude}}, "c/night b/night"},
		{"exclude by spread and provider", []plan.Rule{{When: "quote.spreadBps > 100 && provider.name in ['a', 'b']", Action: rules.Exclude}}, "c/night"},
		{"exclude by rate", []plan.Rule{{When: "quote.rate == decimal('7.12')", Action: rules.Exclude}}, "b/night a/night"},
		{"exclude by health", []plan.Rule{{When: "provider.successBps < 9500", Action: rules.Exclude}}, "c/night a/night"},
		{"exclude by rail", []plan.Rule{{When: "true", Action: rules.Exclude, Rails: []string{"night"}}}, ""},
		{"exclude on a rail by system", []plan.Rule{{When: "rail.system == 'CNAPSBEPS' && payment.amount >= 1000", Action: rules.Exclude}}, ""},
		{"a failing exclusion excludes", []plan.Rule{{When: "payment.metadata.x == 'y'", Action: rules.Exclude, Providers: []string{"c"}}}, "b/night a/night"},
		{"a failing preference does not prefer", []plan.Rule{{When: "payment.metadata.x == 'y'", Action: rules.Prefer, Providers: []string{"a"}}}, "c/night b/night a/night"},
		{"exclusion after preference", []plan.Rule{
			{When: "true", Action: rules.Prefer, Providers: []string{"a"}}, {When: "provider.name == 'a'", Action: rules.Exclude},
		}, "c/night b/night"},
	} {
		c := corridor(t, func(_ *plan.Region, c *plan.Corridor) {
			for i := range tc.rules {
				tc.rules[i].Name = tc.name
			}
			c.Rules = tc.rules
		})
		health := map[string]Health{"b": {FailureBps: 1000}}
		d := c.Choose(Payment{ID: "p", Amount: usd(100000), Purpose: "GDDS"}, quotes(t, "7.1", "7.11", "7.12"), inOrder(c, health), rate(t, "7.2"), noon)
		if got := order(d); got != tc.want {
			t.Errorf("%s: %s, want %s; %s", tc.name, got, tc.want, d.Why())
		}
	}
}

func TestOneCurrencyNeedsNoReference(t *testing.T) {
	c := corridor(t, func(r *plan.Region, c *plan.Corridor) { c.SourceCurrency, c.SpreadCapBps = "CNY", 10 })
	q := []fx.Quote{leggedQuote(t, "a", "CNY", "CNY", "1"), leggedQuote(t, "b", "CNY", "CNY", "0.998")}
	d := c.Choose(Payment{ID: "p", Amount: money.FromMinor(1000, "CNY")}, q, nil, money.Rate{}, noon)
	if order(d) != "a/night" || skips(d)["b/"] != SkipSpread || d.Routes[0].Received.Minor() != 1000 {
		t.Errorf("%s; %s", order(d), d.Why())
	}
}

// inOrder is health as Choose wants it.
func inOrder(c *Corridor, health map[string]Health) []Health {
	if health == nil {
		return nil
	}
	out := make([]Health, len(c.members))
	for i := range c.members {
		out[i] = health[c.members[i].name]
	}
	return out
}
