package route

import (
	"fmt"
	"testing"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// noon is a Monday, 20:00 in Shanghai.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func rate(t testing.TB, s string) money.Rate {
	t.Helper()
	if s == "" {
		return money.Rate{}
	}
	r, err := money.ParseRate(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func usd(minor int64) money.Amount { return money.FromMinor(minor, "USD") }

// region has corridor us-cn with providers a, b, c on rails day (open 08:30 to 17:30 in Shanghai), night (around the clock, at most
// 50,000.00) and one that pays HKD. change may alter it before it is compiled.
func region(change func(*plan.Region, *plan.Corridor)) *plan.Region {
	r := &plan.Region{
		Name: "us-east",
		Rails: []plan.Rail{
			{Name: "day", System: "CIPS", Country: "CN", Currency: "CNY", Zone: "Asia/Shanghai", Finality: "Immediate",
				Hours:    []plan.Opening{{Days: []string{"Mon", "Tue", "Wed", "Thu", "Fri"}, Open: "08:30", Close: "17:30"}},
				Expected: plan.Text(time.Minute)},
			{Name: "night", System: "CNAPSBEPS", Country: "CN", Currency: "CNY", MaxAmount: "50000", Finality: "Deferred", Expected: plan.Text(time.Hour)},
			{Name: "hk", System: "CHATS", Country: "HK", Currency: "HKD"},
		},
		Corridors: []plan.Corridor{{
			Name: "us-cn", SourceCountry: "US", SourceCurrency: "USD", DestinationCountry: "CN", DestinationCurrency: "CNY",
			Rails: []string{"day", "night", "hk"}, Strategy: BestAmount, QuoteTTL: plan.Text(30 * time.Second),
		}},
	}
	for i, name := range []string{"a", "b", "c"} {
		r.Providers = append(r.Providers, plan.Provider{Name: name, Adapter: "OpenFX", Participant: name})
		r.Corridors[0].Providers = append(r.Corridors[0].Providers, plan.RouteMember{Name: name, Priority: int32(i), Weight: int32(i + 1)})
	}
	if change != nil {
		change(r, &r.Corridors[0])
	}
	return r
}

func corridor(t testing.TB, change func(*plan.Region, *plan.Corridor)) *Corridor {
	t.Helper()
	c, err := New(region(change), "us-cn")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// quote is an indicative one, at a rate, valid for a minute.
func quote(t testing.TB, provider, r string) fx.Quote {
	t.Helper()
	return leggedQuote(t, provider, "USD", "CNY", r)
}

func leggedQuote(t testing.TB, provider string, sell, buy money.Currency, r string) fx.Quote {
	t.Helper()
	return fx.Quote{Provider: provider, Sell: money.Zero(sell), Buy: money.Zero(buy), Rate: rate(t, r), Expires: noon.Add(time.Minute)}
}

func quotes(t testing.TB, rates ...string) []fx.Quote {
	t.Helper()
	var out []fx.Quote
	for i, r := range rates {
		if r != "" {
			out = append(out, quote(t, string(rune('a'+i)), r))
		}
	}
	return out
}

// order writes the routes as provider/rail.
func order(d Decision) string {
	if d.Denied != nil {
		return "denied: " + d.Denied.Code
	}
	s := ""
	for i, r := range d.Routes {
		if i > 0 {
			s += " "
		}
		s += r.Provider + "/" + r.Rail
	}
	return s
}

// skips writes what was skipped as provider/rail:code.
func skips(d Decision) map[string]string {
	m := map[string]string{}
	for _, s := range d.Skipped {
		m[fmt.Sprintf("%s/%s", s.Provider, s.Rail)] = s.Code
	}
	return m
}
