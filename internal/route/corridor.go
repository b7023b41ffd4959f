package route

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route/rules"
)

// The strategies: what makes one route better than another, after what rules prefer.
const (
	// BestAmount: the beneficiary receives most.
	BestAmount = "BestAmount"
	// Cheapest: most is received after what the provider takes beside the rate.
	Cheapest = "Cheapest"
	// Fastest: it is expected to arrive first.
	Fastest = "Fastest"
	// Priority: the members' own order.
	Priority = "Priority"
	// Weighted: each member gets its share of payments.
	Weighted = "Weighted"
	// SuccessRate: as Weighted, and the fewer failures of late, the greater the share.
	SuccessRate = "SuccessRate"
)

// Strategies are all of them.
var Strategies = []string{BestAmount, Cheapest, Fastest, Priority, Weighted, SuccessRate}

// OwnAccount stands for a rail in the routes of conversions, which go to the owner's own account: always open, without limits, at once.
const OwnAccount = "own-account"

// Corridor is a corridor made ready to choose routes. It is safe for concurrent use.
type Corridor struct {
	plan         *plan.Corridor
	source, dest money.Currency
	direct       converter
	digits       int   // of the destination currency
	low, high    int64 // of the amount in minor units; high is negative where there is none
	tiers        []tier
	cast         *cast
	members      []member
	index        map[string]int
	rails        []*rail
	foreign      []Skipped // rails that pay another currency
	denies       []rule
	rules        []rule // Prefer and Exclude
}

// member is a provider in the corridor.
type member struct {
	*plan.Provider
	name     string
	facts    *rules.Provider
	weight   int64
	priority int32
	seed     uint64
}

// rule is a rule made ready. Which candidates it is about, by its lists and by what it says of providers and rails, is known when
// the corridor is compiled: about is by member × rail, nil where it is about all.
type rule struct {
	*plan.Rule
	program *rules.Program
	prefer  bool
	about   []rules.Verdict
	live    func(*rules.Input) rules.Verdict
}

// Name of the corridor.
func (c *Corridor) Name() string { return c.plan.Name }

// Plan is the corridor as planned; do not change it.
func (c *Corridor) Plan() *plan.Corridor { return c.plan }

// Source and Destination currency.
func (c *Corridor) Source() money.Currency { return c.source }

// Destination currency.
func (c *Corridor) Destination() money.Currency { return c.dest }

func (b *builder) corridor(p *plan.Corridor) (*Corridor, error) {
	c := &Corridor{plan: p, high: -1}
	if err := b.fill(c, p); err != nil {
		return nil, fmt.Errorf("corridor %s: %w", p.Name, err)
	}
	return c, nil
}

func (b *builder) fill(c *Corridor, p *plan.Corridor) error {
	var err error
	if c.source, err = money.ParseCurrency(p.SourceCurrency); err != nil {
		return fmt.Errorf("sourceCurrency: %w", err)
	}
	if c.dest, err = money.ParseCurrency(p.DestinationCurrency); err != nil {
		return fmt.Errorf("destinationCurrency: %w", err)
	}
	c.direct, c.digits = newConverter(c.source, c.dest), c.dest.Digits()
	if !slices.Contains(Strategies, p.Strategy) {
		return fmt.Errorf("strategy %q: want one of %v", p.Strategy, Strategies)
	}
	if p.SpreadCapBps < 0 || p.QuoteTTL < 0 {
		return fmt.Errorf("spreadCapBps %d, quoteTTL %s: want neither negative", p.SpreadCapBps, p.QuoteTTL.D())
	}
	low, err := amountOrZero(p.MinAmount, c.source)
	if err != nil {
		return fmt.Errorf("minAmount: %w", err)
	}
	c.low = low.Minor()
	if p.MaxAmount != "" {
		high, err := money.ParseAmount(p.MaxAmount, c.source)
		if err != nil {
			return fmt.Errorf("maxAmount: %w", err)
		}
		c.high = high.Minor()
	}
	if c.tiers, err = compileTiers(p.FeeTiers, c.source); err != nil {
		return err
	}
	if err := b.fillMembers(c, p); err != nil {
		return err
	}
	for i := range p.Rules {
		if err := b.fillRule(c, &p.Rules[i]); err != nil {
			return fmt.Errorf("rule %q: %w", p.Rules[i].Name, err)
		}
	}
	return nil
}

// cast is the members of a corridor; corridors with the same share it.
type cast struct {
	members []member
	index   map[string]int
}

func (b *builder) fillMembers(c *Corridor, p *plan.Corridor) error {
	var text []byte
	for _, m := range p.Providers {
		text = append(text, m.Name...)
		text = append(strconv.AppendInt(append(text, ' '), int64(m.Weight), 10), ' ')
		text = append(strconv.AppendInt(text, int64(m.Priority), 10), ' ')
	}
	key := string(text)
	known, ok := b.casts[key]
	if !ok {
		var err error
		if known, err = b.newCast(p.Providers); err != nil {
			return err
		}
		b.casts[key] = known
	}
	c.cast, c.members, c.index = known, known.members, known.index
	if p.Conversion {
		if len(p.Rails) > 0 {
			return fmt.Errorf("rails %v: a corridor of conversions pays out on none", p.Rails)
		}
		own, err := compileRail(plan.Rail{Name: OwnAccount, Country: p.DestinationCountry, Currency: p.DestinationCurrency, Finality: "Immediate"})
		c.rails = []*rail{own}
		return err
	}
	for _, name := range p.Rails {
		r, ok := b.rails[name]
		if !ok {
			return fmt.Errorf("rail %q is not in the plan", name)
		}
		if r.currency != c.dest {
			c.foreign = append(c.foreign, Skipped{Rail: name, Code: SkipRailCurrency, Detail: fmt.Sprintf("pays %s, not %s", r.currency, c.dest)})
			continue
		}
		c.rails = append(c.rails, r)
	}
	return nil
}

func (b *builder) newCast(list []plan.RouteMember) (*cast, error) {
	out := &cast{index: make(map[string]int, len(list))}
	for _, m := range list {
		provider, ok := b.providers[m.Name]
		if !ok {
			return nil, fmt.Errorf("provider %q is not in the plan", m.Name)
		}
		if provider.Reference {
			return nil, fmt.Errorf("provider %q gives reference rates: it cannot be routed to", m.Name)
		}
		if _, twice := out.index[m.Name]; twice {
			return nil, fmt.Errorf("provider %q is named twice", m.Name)
		}
		out.index[m.Name] = len(out.members)
		out.members = append(out.members, member{
			Provider: provider, name: m.Name, facts: &rules.Provider{Name: m.Name, Adapter: provider.Adapter, Participant: provider.Participant},
			weight: int64(m.Weight), priority: m.Priority, seed: hash(m.Name),
		})
	}
	if !slices.ContainsFunc(out.members, func(m member) bool { return m.weight > 0 }) {
		for i := range out.members {
			out.members[i].weight = 1
		}
	}
	return out, nil
}

func (b *builder) fillRule(c *Corridor, p *plan.Rule) error {
	program, err := b.program(p.Action, p.When)
	if err != nil {
		return err
	}
	r := rule{Rule: p, program: program, prefer: p.Action == rules.Prefer, live: program.LiveTest()}
	if p.Action == rules.Deny {
		c.denies = append(c.denies, r)
		return nil
	}
	for _, name := range p.Providers {
		if _, ok := c.index[name]; !ok {
			return fmt.Errorf("provider %q is not in the corridor", name)
		}
	}
	for _, name := range p.Rails {
		if !slices.Contains(c.plan.Rails, name) {
			return fmt.Errorf("rail %q is not in the corridor", name)
		}
	}
	if len(p.Providers) > 0 || len(p.Rails) > 0 || program.HasFixed() {
		r.about = b.about(c, p, program)
	}
	c.rules = append(c.rules, r)
	return nil
}

// aboutKey is all that a rule's about hangs on. Names of resources hold no blanks.
type aboutKey struct {
	cast                          *cast
	offered, when, members, rails string
}

// about says, by member × rail, whether a rule is about the two. Corridors over the same members and rails share it.
func (b *builder) about(c *Corridor, p *plan.Rule, program *rules.Program) []rules.Verdict {
	offered := strings.Join(c.plan.Rails, " ")
	if c.plan.Conversion {
		offered = OwnAccount + " " + c.plan.DestinationCountry + " " + c.plan.DestinationCurrency
	}
	key := aboutKey{c.cast, offered, p.When, strings.Join(p.Providers, " "), strings.Join(p.Rails, " ")}
	if known, ok := b.abouts[key]; ok {
		return known
	}
	out := make([]rules.Verdict, 0, len(c.members)*len(c.rails))
	var in rules.Input
	for i := range c.members {
		for _, rl := range c.rails {
			v := rules.No
			if listed(p.Providers, c.members[i].name) && listed(p.Rails, rl.Name) {
				in.Provider, in.Rail = c.members[i].facts, &rl.facts
				v = program.Fixed(&in)
			}
			out = append(out, v)
		}
	}
	b.abouts[key] = out
	return out
}

// listed reports whether name is in a rule's list; an empty list names all.
func listed(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }
