package route

import (
	"os"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route/rules"
)

func TestFees(t *testing.T) {
	c := corridor(t, func(_ *plan.Region, c *plan.Corridor) {
		c.FeeTiers = []plan.FeeTier{
			{From: "10", Fixed: "0.30"}, {From: "100", Bps: 100, Min: "1.50"}, {From: "1000", Bps: 50, Fixed: "2", Max: "40.00"},
		}
	})
	for _, tc := range []struct{ amount, want int64 }{
		{999, 0}, {1000, 30}, {9999, 30}, {10000, 150}, {15050, 151}, {99999, 1000}, {100000, 700}, {100001, 700}, {100150, 701}, {10000000, 4000},
	} {
		if got, err := c.Fee(usd(tc.amount)); err != nil || got != usd(tc.want) {
			t.Errorf("fee of %v: %v, %v; want %v", usd(tc.amount), got, err, usd(tc.want))
		}
	}
	if _, err := c.Fee(money.FromMinor(1, "CNY")); err == nil {
		t.Error("a fee on another currency")
	}
	if got, err := corridor(t, nil).Fee(usd(5)); err != nil || !got.IsZero() {
		t.Errorf("no tiers: %v, %v", got, err)
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, tc := range []struct {
		say    string
		change func(*plan.Region, *plan.Corridor)
	}{
		{"CNH", func(_ *plan.Region, c *plan.Corridor) { c.DestinationCurrency = "CNH" }},
		{"sourceCurrency", func(_ *plan.Region, c *plan.Corridor) { c.SourceCurrency = "" }},
		{"Random", func(_ *plan.Region, c *plan.Corridor) { c.Strategy = "Random" }},
		{"minAmount", func(_ *plan.Region, c *plan.Corridor) { c.MinAmount = "x" }},
		{"maxAmount", func(_ *plan.Region, c *plan.Corridor) { c.MaxAmount = "-1" }},
		{"negative", func(_ *plan.Region, c *plan.Corridor) { c.SpreadCapBps = -1 }},
		{"feeTiers[0].bps", func(_ *plan.Region, c *plan.Corridor) { c.FeeTiers = []plan.FeeTier{{From: "0", Bps: 10001}} }},
		{"feeTiers[0].from", func(_ *plan.Region, c *plan.Corridor) { c.FeeTiers = []plan.FeeTier{{From: "1.234"}} }},
		{"does not rise", func(_ *plan.Region, c *plan.Corridor) { c.FeeTiers = []plan.FeeTier{{From: "1"}, {From: "1"}} }},
		{"below min", func(_ *plan.Region, c *plan.Corridor) { c.FeeTiers = []plan.FeeTier{{From: "0", Min: "2", Max: "1"}} }},
		{"provider \"z\"", func(_ *plan.Region, c *plan.Corridor) { c.Providers[0].Name = "z" }},
		{"named twice", func(_ *plan.Region, c *plan.Corridor) { c.Providers[0].Name = "b" }},
		{"reference rates", func(r *plan.Region, _ *plan.Corridor) { r.Providers[0].Reference = true }},
		{"rail \"z\"", func(_ *plan.Region, c *plan.Corridor) { c.Rails[0] = "z" }},
		{"rail day: time zone", func(r *plan.Region, _ *plan.Corridor) { r.Rails[0].Zone = "Asia/Hangzhou" }},
		{"rail day: currency", func(r *plan.Region, _ *plan.Corridor) { r.Rails[0].Currency = "XXX" }},
		{"rail night: maxAmount", func(r *plan.Region, _ *plan.Corridor) { r.Rails[1].MaxAmount = "x" }},
		{"rail night: minAmount", func(r *plan.Region, _ *plan.Corridor) { r.Rails[1].MinAmount = "x" }},
		{"is below minAmount", func(r *plan.Region, _ *plan.Corridor) { r.Rails[1].MinAmount = "50001" }},
		{"undeclared", func(_ *plan.Region, c *plan.Corridor) {
			c.Rules = []plan.Rule{{Name: "x", When: "no.such", Action: rules.Deny}}
		}},
		{"payment and now only", func(_ *plan.Region, c *plan.Corridor) {
			c.Rules = []plan.Rule{{Name: "x", When: "quote.guaranteed", Action: rules.Deny}}
		}},
		{"want Deny", func(_ *plan.Region, c *plan.Corridor) {
			c.Rules = []plan.Rule{{Name: "x", When: "true", Action: "Drop"}}
		}},
		{"not in the corridor", func(_ *plan.Region, c *plan.Corridor) {
			c.Rules = []plan.Rule{{Name: "x", When: "true", Action: rules.Prefer, Providers: []string{"z"}}}
		}},
		{"rail \"z\" is not", func(_ *plan.Region, c *plan.Corridor) {
			c.Rules = []plan.Rule{{Name: "x", When: "true", Action: rules.Prefer, Rails: []string{"z"}}}
		}},
	} {
		if _, err := New(region(tc.change), "us-cn"); err == nil || !strings.Contains(err.Error(), tc.say) {
			t.Errorf("want an error with %q, got %v", tc.say, err)
		}
		if _, err := Compile(region(tc.change), nil); err == nil || !strings.Contains(err.Error(), tc.say) {
			t.Errorf("want an error with %q, got %v", tc.say, err)
		}
	}
	if _, err := New(region(nil), "nowhere"); err == nil {
		t.Error("found a corridor that is not there")
	}
}

func TestCompileServesWhatItCanAndSharesPrograms(t *testing.T) {
	r := region(func(r *plan.Region, c *plan.Corridor) {
		c.Rules = []plan.Rule{{Name: "x", When: "payment.amount > 5", Action: rules.Deny}}
		good, bad := *c, *c
		good.Name, bad.Name, bad.Strategy = "second", "bad", "none"
		r.Corridors = append(r.Corridors, good, bad)
	})
	table, err := Compile(r, nil)
	if err == nil || !strings.Contains(err.Error(), "corridor bad") || strings.Contains(err.Error(), "us-cn") {
		t.Errorf("got %v", err)
	}
	a, ok := table.Corridor("us-cn")
	b, ok2 := table.Corridor("second")
	if !ok || !ok2 || a.denies[0].program != b.denies[0].program || a.rails[0] != b.rails[0] {
		t.Error("corridors do not share")
	}
	if _, ok := table.Corridor("bad"); ok {
		t.Error("served a bad corridor")
	}
	if a.Name() != "us-cn" || a.Source() != "USD" || a.Destination() != "CNY" || a.Plan().Strategy != BestAmount {
		t.Error("not itself")
	}
	r.Corridors = r.Corridors[:2]
	next, err := Compile(r, table)
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := next.Corridor("us-cn"); c.denies[0].program != a.denies[0].program {
		t.Error("the next table compiled the same rule again")
	}
}

func TestDocsNameEveryCodeAndStrategy(t *testing.T) {
	doc, err := os.ReadFile("../../docs/routing.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := append([]string{
		DeniedDraining, DeniedCurrency, DeniedMinimum, DeniedMaximum, DeniedPurpose, DeniedFee, DeniedRule,
		SkipNoQuote, SkipUnknown, SkipDown, SkipPair, SkipExpired, SkipInconsistent, SkipNoReference, SkipSpread, SkipRule,
		SkipRailClosed, SkipRailCurrency, SkipRailMinimum, SkipRailMaximum, SkipNothing, SkipNoSecondQuote,
	}, Strategies...)
	for _, code := range codes {
		if !strings.Contains(string(doc), "`"+code+"`") {
			t.Errorf("docs/routing.md does not name %s", code)
		}
	}
}
