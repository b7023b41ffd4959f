package route

import (
	"fmt"
	"testing"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route/rules"
)

// crowd is a region of 50 providers and 1,000 corridors of 20 rules each, with quotes from every provider. The rules are of every
// kind: denials, exclusions by country, time, provider and quote, preferences.
func crowd(tb testing.TB, strategy string) (*Table, []fx.Quote) {
	tb.Helper()
	base := region(nil)
	r := &plan.Region{Name: "crowd", Rails: base.Rails}
	var members []plan.RouteMember
	var quotes []fx.Quote
	for i := range 50 {
		name := fmt.Sprintf("provider-%02d", i)
		r.Providers = append(r.Providers, plan.Provider{Name: name, Adapter: "OpenFX"})
		members = append(members, plan.RouteMember{Name: name, Weight: int32(i%7 + 1), Priority: int32(i * 13 % 50)})
		quotes = append(quotes, quote(tb, name, fmt.Sprintf("7.%04d", 1000+i*37%100)))
	}
	list := []plan.Rule{
		{Action: rules.Deny, When: "payment.amount > 1000000"},
		{Action: rules.Deny, When: "payment.beneficiary.country in ['KP', 'IR', 'SY']"},
		{Action: rules.Deny, When: "payment.purpose == '' && payment.amount >= 10000"},
		{Action: rules.Deny, When: "now.date('Asia/Shanghai') == '2026-12-31' && now.hour('Asia/Shanghai') >= 22"},
		{Action: rules.Deny, When: "has(payment.metadata.blocked)"},
		{Action: rules.Deny, When: "payment.debtor.country == 'US' && payment.purpose in ['GAMB', 'CRYP']"},
		{Action: rules.Exclude, When: "provider.name in ['provider-03', 'provider-04'] && payment.amount > 50000"},
		{Action: rules.Exclude, When: "now.dayOfWeek('America/New_York') in ['Sat', 'Sun']", Providers: []string{"provider-05"}},
		{Action: rules.Exclude, When: "!now.isBusinessDay('CN', 'Asia/Shanghai') && rail.system == 'CIPS'"},
		{Action: rules.Exclude, When: "quote.spreadBps > 300"},
		{Action: rules.Exclude, When: "payment.amount >= decimal('250000.00') && !quote.guaranteed"},
		{Action: rules.Exclude, When: "provider.successBps < 5000"},
		{Action: rules.Exclude, When: "'no-night' in payment.metadata && rail.name == 'night'"},
		{Action: rules.Exclude, When: "payment.purpose == 'SALA' && rail.finality == 'Deferred'"},
		{Action: rules.Prefer, When: "provider.name == 'provider-10' && payment.amount < 100"},
		{Action: rules.Prefer, When: "payment.purpose == 'GDDS'", Providers: []string{"provider-20", "provider-21"}},
		{Action: rules.Prefer, When: "now.hour('Asia/Shanghai') >= 9 && now.hour('Asia/Shanghai') < 17", Rails: []string{"day"}},
		{Action: rules.Prefer, When: "payment.beneficiary.country == 'HK'", Rails: []string{"night"}},
		{Action: rules.Prefer, When: "payment.id.startsWith('vip-')", Providers: []string{"provider-30"}},
		{Action: rules.Prefer, When: "rail.expected < duration('5m') && payment.amount > 40000"},
	}
	for i := range list {
		list[i].Name = fmt.Sprintf("rule-%02d", i)
	}
	for i := range 1000 {
		r.Corridors = append(r.Corridors, plan.Corridor{
			Name: fmt.Sprintf("corridor-%04d", i), SourceCurrency: "USD", DestinationCurrency: "CNY", Rails: []string{"day", "night"},
			Providers: members, Strategy: strategy, QuoteTTL: plan.Text(30 * time.Second), SpreadCapBps: 500, Rules: list,
			FeeTiers: []plan.FeeTier{{From: "0", Bps: 30, Min: "0.50"}, {From: "1000", Bps: 25, Max: "100"}},
		})
	}
	table, err := Compile(r, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return table, quotes
}

// BenchmarkChoose is one choice in one of 1,000 corridors with 50 quotes and 20 rules.
func BenchmarkChoose(b *testing.B) {
	ref := rate(b, "7.15")
	for _, strategy := range Strategies {
		b.Run(strategy, func(b *testing.B) {
			table, quotes := crowd(b, strategy)
			p := Payment{ID: "pay-1", Amount: usd(125000), Purpose: "GDDS", DebtorCountry: "US", BeneficiaryCountry: "CN"}
			i, health := 0, make([]Health, len(quotes))
			for j := range quotes {
				health[j] = Health{FailureBps: 50, Latency: 80 * time.Millisecond}
			}
			var d Decision
			choose := func() {
				c, ok := table.Corridor(corridorNames[i%1000])
				i++
				if c.ChooseInto(&d, &p, quotes, health, ref, noon); !ok || len(d.Routes) != 50 {
					b.Fatal(d.Why())
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				choose()
			}
			b.ReportMetric(float64(quietest(choose)), "quiet-ns/op")
		})
	}
}

// quietest is what f takes in the quietest of many short stretches, in nanoseconds: on a busy machine the mean tells of the others.
func quietest(f func()) time.Duration {
	const stretch = 50
	best := time.Hour
	for range 1000 {
		start := time.Now()
		for range stretch {
			f()
		}
		best = min(best, time.Since(start)/stretch)
	}
	return best
}

var corridorNames = func() (names [1000]string) {
	for i := range names {
		names[i] = fmt.Sprintf("corridor-%04d", i)
	}
	return names
}()

// BenchmarkCompile makes 1,000 corridors ready.
func BenchmarkCompile(b *testing.B) {
	table, _ := crowd(b, BestAmount)
	r := &plan.Region{}
	for _, c := range table.corridors {
		r.Corridors = append(r.Corridors, *c.plan)
	}
	any := table.corridors["corridor-0000"]
	for _, m := range any.members {
		r.Providers = append(r.Providers, *m.Provider)
	}
	for _, rl := range any.rails {
		r.Rails = append(r.Rails, rl.Rail)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(r, table); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAChoiceAllocatesAHandful(t *testing.T) {
	table, quotes := crowd(t, BestAmount)
	c, _ := table.Corridor("corridor-0001")
	p := Payment{ID: "pay-1", Amount: usd(125000), Purpose: "GDDS", DebtorCountry: "US", BeneficiaryCountry: "CN"}
	ref := rate(t, "7.15")
	if n := testing.AllocsPerRun(100, func() { c.Choose(p, quotes, nil, ref, noon) }); n > 6 {
		t.Errorf("%v allocations", n)
	}
}
