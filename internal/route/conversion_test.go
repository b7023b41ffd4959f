package route

import (
	"strings"
	"testing"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route/rules"
)

func TestAConversionGoesToTheOwnersAccountOnNoRail(t *testing.T) {
	c := corridor(t, func(_ *plan.Region, c *plan.Corridor) {
		c.Conversion, c.Rails = true, nil
		c.Rules = []plan.Rule{
			{Name: "own", When: "rail.name == 'own-account' && rail.currency == 'CNY'", Action: rules.Prefer, Providers: []string{"b"}},
			{Name: "not c", When: "true", Action: rules.Exclude, Providers: []string{"c"}},
		}
	})
	d := c.Choose(Payment{ID: "p", Amount: usd(10001)}, []fx.Quote{quote(t, "a", "7.11"), quote(t, "b", "7.10"), quote(t, "c", "7.2")}, nil, rate(t, "7.2"), noon)
	if order(d) != "b/own-account a/own-account" || skips(d)["c/own-account"] != SkipRule {
		t.Errorf("%s; %s", order(d), d.Why())
	}
	r := region(func(_ *plan.Region, c *plan.Corridor) { c.Conversion = true })
	if _, err := New(r, "us-cn"); err == nil || !strings.Contains(err.Error(), "pays out on none") {
		t.Errorf("a corridor of conversions with rails: %v", err)
	}
}
