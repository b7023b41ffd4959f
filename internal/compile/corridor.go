package compile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route/rules"
)

// compileCorridor makes a corridor's entry, the same for all its regions.
func (c *compilation) compileCorridor(pc *v1alpha1.PaymentCorridor) (plan.Corridor, findings) {
	var f findings
	spec := &pc.Spec
	out := plan.Corridor{
		Name: pc.Name, Generation: pc.Generation, Conversion: spec.Use == v1alpha1.UseConversions,
		SourceCountry: string(spec.Source.Country), SourceCurrency: string(spec.Source.Currency),
		DestinationCountry: string(spec.Destination.Country), DestinationCurrency: string(spec.Destination.Currency),
		Strategy:  string(or(spec.Routing.Strategy, defaultStrategy)),
		MinAmount: string(spec.Limits.Min), MaxAmount: string(spec.Limits.Max),
		QuoteTTL:     f.duration("spec.quotes.ttl", spec.Quotes.TTL, defaultQuoteTTL, time.Second, time.Hour),
		SpreadCapBps: int64(spec.Quotes.MaxSpreadBasisPoints),
		Purposes:     texts(spec.Purposes),
		Schedule:     string(spec.SettlementScheduleRef.Name),
	}
	slices.Sort(out.Purposes)
	f.country("spec.source.country", spec.Source.Country)
	f.country("spec.destination.country", spec.Destination.Country)
	source, sourceOK := f.currency("spec.source.currency", spec.Source.Currency)
	destination, destinationOK := f.currency("spec.destination.currency", spec.Destination.Currency)
	if sourceOK {
		f.limits("spec.limits", spec.Limits, source)
		out.FeeTiers = f.feeTiers(spec.FeeTiers, source)
	}
	for i, name := range spec.Regions {
		_, exists := c.regions.verdict[string(name)]
		f.reference(fmt.Sprintf("spec.regions[%d]", i), KindRegion, string(name), exists, c.regions.valid(string(name)))
	}
	out.Rails = []string{} // conversions have none
	for i, r := range spec.Rails {
		field := fmt.Sprintf("spec.rails[%d].name", i)
		out.Rails = append(out.Rails, string(r.Name))
		rail := c.rails.entry[string(r.Name)]
		_, exists := c.rails.verdict[string(r.Name)]
		if f.reference(field, KindRail, string(r.Name), exists, c.rails.valid(string(r.Name))) && destinationOK && rail.Currency != string(destination) {
			f.unresolved(v1alpha1.ReasonCurrencyMismatch, field, string(r.Name), "pays %s, not the destination's %s", rail.Currency, destination)
		}
	}
	members := &plan.Corridor{SourceCurrency: out.SourceCurrency, DestinationCurrency: out.DestinationCurrency}
	for _, p := range spec.Providers {
		members.Providers = append(members.Providers, plan.RouteMember{Name: string(p.Name)})
	}
	for i, p := range spec.Providers {
		field := fmt.Sprintf("spec.providers[%d].name", i)
		out.Providers = append(out.Providers, plan.RouteMember{
			Name: string(p.Name), Weight: p.Weight, Priority: deref(p.Priority, int32(i)), //nolint:gosec // at most 64 providers
		})
		provider := c.providers.entry[string(p.Name)]
		_, exists := c.providers.verdict[string(p.Name)]
		if !f.reference(field, KindProvider, string(p.Name), exists, c.providers.valid(string(p.Name))) {
			continue
		}
		switch {
		case provider.Reference:
			f.unresolved(v1alpha1.ReasonCurrencyMismatch, field, string(p.Name), "only gives reference rates: nothing can be paid through it")
		case sourceOK && destinationOK && !providerFits(&provider, members, c.provider):
			f.unresolved(v1alpha1.ReasonCurrencyMismatch, field, string(p.Name),
				"takes no pair %s/%s, nor one that leads there with another provider's, only %s", source, destination, pairs(&provider))
		}
	}
	if name := out.Schedule; name != "" {
		_, exists := c.schedules.verdict[name]
		f.reference("spec.settlementScheduleRef.name", KindSchedule, name, exists, c.schedules.valid(name))
	}
	out.Rules = c.rules(&f, spec)
	return out, f
}

func pairs(p *plan.Provider) string {
	const show = 8
	var out []string
	for i, pair := range p.Pairs {
		if i == show {
			out = append(out, fmt.Sprintf("and %d more", len(p.Pairs)-show))
			break
		}
		out = append(out, pair.Sell+"/"+pair.Buy)
	}
	return strings.Join(out, ", ")
}

func (c *compilation) rules(f *findings, spec *v1alpha1.PaymentCorridorSpec) []plan.Rule {
	var out []plan.Rule
	for i, r := range spec.Routing.Rules {
		field := fmt.Sprintf("spec.routing.rules[%d]", i)
		if err := c.checkRule(string(r.Action), r.When); err != nil {
			f.invalid(v1alpha1.ReasonInvalidRule, field+".when", r.When, "%s", ruleFault(err))
		}
		for j, name := range r.Providers {
			if !slices.ContainsFunc(spec.Providers, func(p v1alpha1.CorridorProvider) bool { return p.Name == name }) {
				f.invalid(v1alpha1.ReasonInvalidValue, fmt.Sprintf("%s.providers[%d]", field, j), string(name), "is none of spec.providers")
			}
		}
		for j, name := range r.Rails {
			if !slices.ContainsFunc(spec.Rails, func(p v1alpha1.CorridorRail) bool { return p.Name == name }) {
				f.invalid(v1alpha1.ReasonInvalidValue, fmt.Sprintf("%s.rails[%d]", field, j), string(name), "is none of spec.rails")
			}
		}
		out = append(out, plan.Rule{
			Name: r.Name, When: r.When, Action: string(r.Action), Message: r.Message, Providers: texts(r.Providers), Rails: texts(r.Rails),
		})
	}
	return out
}

// checkRule checks each distinct rule once: thousands of corridors share few.
func (c *compilation) checkRule(action, when string) error {
	key := action + "\x00" + when
	err, known := c.checked[key]
	if !known {
		err = rules.CheckAction(action, when)
		c.checked[key] = err
	}
	return err
}

// ruleFault is the error's first line, without the rule, which the finding already names.
func ruleFault(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	if _, rest, ok := strings.Cut(s, `": `); ok && strings.HasPrefix(s, "rule ") {
		s = rest
	}
	return strings.TrimPrefix(s, "ERROR: ")
}

// feeTiers reads the tiers, and puts them in rising order.
func (f *findings) feeTiers(tiers []v1alpha1.FeeTier, ccy money.Currency) []plan.FeeTier {
	type tier struct {
		from money.Amount
		plan plan.FeeTier
	}
	var out []tier
	for i, t := range tiers {
		field := fmt.Sprintf("spec.feeTiers[%d]", i)
		from, ok := f.amount(field+".from", t.From, ccy, false)
		f.amount(field+".fixed", t.Fixed, ccy, false)
		low, okLow := f.amount(field+".min", t.Min, ccy, false)
		high, okHigh := f.amount(field+".max", t.Max, ccy, false)
		if okLow && okHigh && low.Minor() > high.Minor() {
			f.invalid(v1alpha1.ReasonInvalidAmount, field+".min", string(t.Min), "is more than max %q", t.Max)
		}
		if ok && slices.ContainsFunc(out, func(o tier) bool { return o.from.Minor() == from.Minor() }) {
			f.invalid(v1alpha1.ReasonInvalidAmount, field+".from", string(t.From), "two tiers begin at this amount")
		}
		out = append(out, tier{from, plan.FeeTier{
			From: string(t.From), Bps: int64(t.BasisPoints), Fixed: string(t.Fixed), Min: string(t.Min), Max: string(t.Max),
		}})
	}
	slices.SortStableFunc(out, func(a, b tier) int {
		switch {
		case a.from.Minor() < b.from.Minor():
			return -1
		case a.from.Minor() > b.from.Minor():
			return 1
		}
		return 0
	})
	sorted := make([]plan.FeeTier, 0, len(out))
	for _, t := range out {
		sorted = append(sorted, t.plan)
	}
	if len(sorted) == 0 {
		return nil
	}
	return sorted
}

// claim is what at most one corridor may have in a region.
type claim struct {
	region, sourceCountry, sourceCurrency, destinationCountry, destinationCurrency string
	conversion                                                                     bool
}

func claimOf(region string, p *plan.Corridor) claim {
	return claim{region, p.SourceCountry, p.SourceCurrency, p.DestinationCountry, p.DestinationCurrency, p.Conversion}
}

func (c claim) pair() string {
	pair := c.sourceCountry + "/" + c.sourceCurrency + " to " + c.destinationCountry + "/" + c.destinationCurrency
	if c.conversion {
		return "conversions of " + pair
	}
	return pair
}
