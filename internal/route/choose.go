package route

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/route/rules"
)

// choice is one call of Choose under way. Choices are kept for reuse, so that one costs few allocations.
type choice struct {
	*Corridor
	quotes []fx.Quote
	health []Health
	now    time.Time
	// ref is the reference rate in fixed point, 0 where there is none; middle is what the principal is worth at it.
	ref, middle    int64
	fee, principal money.Amount
	payment        uint64

	in      rules.Input
	active  []active
	open    []int32 // indices of open rails
	offers  []offer
	entries []entry
	keys    []key
	spare   []key  // for sorting
	heard   []bool // members that gave a quote
	via     via
	skipped []Skipped
	// onward says that the first of quotes is a leg that is done: no offer, no price to judge, but where the others go on from.
	onward bool
}

// active is a rule whose gate did not say No.
type active struct {
	*rule
	place int32
	gate  rules.Verdict
	live  func(*rules.Input) rules.Verdict
	about []rules.Verdict
}

var choices = sync.Pool{New: func() any { return new(choice) }}

// Choose ranks the routes for a payment. quotes are the members' for source to destination currency, or for either leg by way of
// another currency; those for another amount than the principal count by their rate. health is that of the corridor's providers, in their
// order; those past its end are in good health. ref is the reference rate from source to destination, the zero Rate where there is none.
func (c *Corridor) Choose(p Payment, quotes []fx.Quote, health []Health, ref money.Rate, now time.Time) Decision {
	var d Decision
	c.ChooseInto(&d, &p, quotes, health, ref, now)
	return d
}

// ChooseInto is Choose for those who choose often: the decision replaces what d held, in d's own memory where that is enough. Routes
// that were taken from d before must have been copied.
func (c *Corridor) ChooseInto(d *Decision, p *Payment, quotes []fx.Quote, health []Health, ref money.Rate, now time.Time) {
	c.chooseInto(d, p, quotes, health, ref, now, false)
}

func (c *Corridor) chooseInto(d *Decision, p *Payment, quotes []fx.Quote, health []Health, ref money.Rate, now time.Time, onward bool) {
	d.Denied, d.Routes, d.Skipped = nil, d.Routes[:0], d.Skipped[:0]
	ch := choices.Get().(*choice)
	defer ch.release()
	ch.Corridor, ch.quotes, ch.health, ch.now, ch.onward = c, quotes, health, now, onward
	ch.in = rules.Input{
		PaymentID: p.ID, Amount: p.Amount, Purpose: p.Purpose, Metadata: p.Metadata,
		DebtorCountry: p.DebtorCountry, BeneficiaryCountry: p.BeneficiaryCountry, Now: now, Digits: c.digits,
	}
	if d.Denied = ch.admit(p); d.Denied != nil {
		return
	}
	ch.skipped = d.Skipped
	ch.payment = hash(p.ID)
	ch.reference(ref)
	ch.gates()
	ch.hours()
	ch.collect()
	for i := range ch.offers {
		ch.candidates(int32(i))
	}
	ch.silent()
	ch.rank()
	d.Routes, d.Skipped = ch.routes(d.Routes), ch.skipped
}

func (ch *choice) release() {
	// What belongs to the caller is not kept alive by the pool.
	*ch = choice{
		active: ch.active[:0], open: ch.open[:0], offers: ch.offers[:0], entries: ch.entries[:0], keys: ch.keys[:0], spare: ch.spare[:0],
		heard: ch.heard[:0], via: ch.via.reset(),
	}
	choices.Put(ch)
}

func (ch *choice) skip(provider, rail, code, detail string) {
	ch.skipped = append(ch.skipped, Skipped{Provider: provider, Rail: rail, Code: code, Detail: detail})
}

// admit checks the payment itself, and takes our fee.
func (ch *choice) admit(p *Payment) *Denial {
	c, minor := ch.Corridor, p.Amount.Minor()
	switch {
	case c.plan.Draining:
		return &Denial{Code: DeniedDraining, Detail: "corridor " + c.plan.Name + " is being removed and takes no new payments"}
	case p.Amount.Currency() != c.source:
		return &Denial{Code: DeniedCurrency, Field: "amount.currency",
			Detail: fmt.Sprintf("corridor %s takes %s, not %q", c.plan.Name, c.source, string(p.Amount.Currency()))}
	case minor < c.low || minor <= 0:
		return &Denial{Code: DeniedMinimum, Field: "amount.value",
			Detail: fmt.Sprintf("%s is below the corridor's minimum of %s", p.Amount, money.FromMinor(max(c.low, 1), c.source))}
	case c.high >= 0 && minor > c.high:
		return &Denial{Code: DeniedMaximum, Field: "amount.value",
			Detail: fmt.Sprintf("%s is above the corridor's maximum of %s", p.Amount, money.FromMinor(c.high, c.source))}
	case len(c.plan.Purposes) > 0 && !slices.Contains(c.plan.Purposes, p.Purpose):
		return &Denial{Code: DeniedPurpose, Field: "purpose",
			Detail: fmt.Sprintf("purpose %.35q is not one that corridor %s takes: %v", p.Purpose, c.plan.Name, c.plan.Purposes)}
	}
	fee, err := ch.feeFor(p)
	if err == nil {
		ch.fee = fee
		ch.principal, err = p.Amount.Sub(fee)
	}
	if err != nil || !ch.principal.IsPositive() {
		return &Denial{Code: DeniedFee, Field: "amount.value", Detail: fmt.Sprintf("the fee of %s leaves nothing of %s to pay", ch.fee, p.Amount)}
	}
	for i := range c.denies {
		r := &c.denies[i]
		switch r.program.Gate(&ch.in) {
		case rules.Yes:
			return &Denial{Code: DeniedRule, Rule: r.Name, Detail: said(r)}
		case rules.Failed:
			return &Denial{Code: DeniedRule, Rule: r.Name, Detail: fmt.Sprintf("rule %s could not be decided for this payment", r.Name)}
		case rules.No:
		}
	}
	return nil
}

func said(r *rule) string {
	if r.Message != "" {
		return r.Message
	}
	return "refused by rule " + r.Name
}

func (ch *choice) reference(ref money.Rate) {
	fixed, ok := ref.Fixed()
	if !ok {
		fixed = 0
	}
	if ch.source == ch.dest && fixed == 0 {
		fixed = int64(pow10[money.MaxRateScale])
	}
	if fixed != 0 {
		if ch.middle, ok = ch.direct.convert(ch.principal.Minor(), fixed); !ok {
			fixed, ch.middle = 0, 0
		}
	}
	ch.ref = fixed
}

// gates asks of each rule what does not depend on the candidate; those that cannot hold are out.
func (ch *choice) gates() {
	for i := range ch.rules {
		r := &ch.rules[i]
		gate := r.program.Gate(&ch.in)
		if gate == rules.No || (r.prefer && gate == rules.Failed) {
			continue
		}
		ch.active = append(ch.active, active{rule: r, place: int32(i), gate: gate, live: r.live, about: r.about})
	}
}

// hours finds the rails that are open.
func (ch *choice) hours() {
	ch.skipped = append(ch.skipped, ch.foreign...)
	for i, r := range ch.rails {
		if open, detail := r.state(ch.now); open {
			ch.open = append(ch.open, int32(i))
		} else {
			ch.skip("", r.Name, SkipRailClosed, detail)
		}
	}
}

// candidates puts an offer on every open rail that takes it.
func (ch *choice) candidates(o int32) {
	of := &ch.offers[o]
	m := &ch.members[of.member]
	for _, i := range ch.open {
		r := ch.rails[i]
		if code := r.limit(of.received); code != "" {
			ch.skip(m.Name, r.Name, code, r.limitDetail(code, money.FromMinor(of.received, ch.dest)))
			continue
		}
		preference, excluded := ch.judge(of, of.member, i)
		if excluded == nil && of.first >= 0 && !ch.onward {
			_, excluded = ch.judge(of, ch.via.firsts[of.first].member, i)
		}
		if excluded != nil {
			ch.skip(m.Name, r.Name, SkipRule, "excluded by rule "+excluded.Name)
			continue
		}
		arrival := of.latency + r.Expected.D()
		n := len(ch.entries)
		ch.entries = slices.Grow(ch.entries, 1)[:n+1]
		e := &ch.entries[n]
		e.preference, e.member, e.offer, e.rail, e.immediate = preference, of.member, o, i, r.immediate
		e.primary, e.received, e.arrival = ch.primary(of, ch.payment, arrival), of.received, arrival
		ch.keys = append(ch.keys, key{primary: e.primary, preference: preference, entry: int32(n)})
	}
}

// judge asks the rules about a candidate: which rule prefers it first, and which excludes it.
func (ch *choice) judge(of *offer, mem, rl int32) (preference int32, excluded *rule) {
	preference = noPreference
	if len(ch.active) == 0 {
		return preference, nil
	}
	at := int(mem)*len(ch.rails) + int(rl)
	described := false
	for i := range ch.active {
		a := &ch.active[i]
		v := a.gate
		if a.about != nil {
			v = v.And(a.about[at])
		}
		if v != rules.No && a.live != nil {
			if !described {
				ch.describe(of, mem, rl)
				described = true
			}
			v = v.And(a.live(&ch.in))
		}
		switch {
		case v == rules.No:
		case !a.prefer:
			return noPreference, a.rule
		case v == rules.Yes && preference == noPreference:
			preference = a.place
		}
	}
	return preference, nil
}

func (ch *choice) describe(of *offer, mem, rl int32) {
	in, q := &ch.in, &ch.quotes[of.quote]
	in.Provider, in.Rail = ch.members[mem].facts, &ch.rails[rl].facts
	in.Rate, in.Guaranteed, in.ProviderFee = q.Rate, q.Guaranteed, q.Fee
	if of.first >= 0 {
		first := &ch.quotes[ch.via.firsts[of.first].quote]
		in.Rate, in.Guaranteed, in.ProviderFee = together(of.rate), in.Guaranteed && first.Guaranteed, first.Fee
	}
	in.Received, in.SpreadBps, in.SuccessBps = of.received, of.bps, 10000-of.failureBps
}

// silent accounts for members that gave no quote.
func (ch *choice) silent() {
	for i := range ch.members {
		if ch.heard[i] {
			continue
		}
		name := ch.members[i].Name
		if h := ch.healthOf(int32(i)); h.Down {
			ch.skip(name, "", SkipDown, downDetail(h))
		} else {
			ch.skip(name, "", SkipNoQuote, "gave no quote")
		}
	}
}

// sane is the health of who is not spoken of; never written to.
var sane Health

func (ch *choice) healthOf(member int32) *Health {
	if int(member) < len(ch.health) {
		return &ch.health[member]
	}
	return &sane
}

func downDetail(h *Health) string {
	if h.Reason == "" {
		return "down"
	}
	return "down: " + h.Reason
}

// routes writes out the ranked entries, in out's memory where that is enough.
func (ch *choice) routes(out []Route) []Route {
	if len(ch.keys) == 0 {
		return out
	}
	latest, bounded := ch.now.Add(ch.plan.QuoteTTL.D()), ch.plan.QuoteTTL > 0
	after, arrival := time.Duration(0), ch.now
	out = slices.Grow(out, len(ch.keys))[:len(ch.keys)]
	for i, k := range ch.keys {
		e := &ch.entries[k.entry]
		of, r := &ch.offers[e.offer], &out[i]
		r.Legs = nil
		r.Rail = ch.rails[e.rail].Name
		r.Fee, r.Principal = ch.fee, ch.principal
		r.Received = money.FromMinor(of.received, ch.dest)
		spread := int64(0)
		if ch.ref != 0 {
			spread = ch.middle - of.received
		}
		r.SpreadBps, r.Spread = of.bps, money.FromMinor(spread, ch.dest)
		if e.arrival != after {
			after, arrival = e.arrival, ch.now.Add(e.arrival)
		}
		r.Arrival = arrival
		ch.write(r, of)
		r.Provider = r.Quote.Provider
		if bounded && r.Quote.Expires.After(latest) {
			r.Quote.Expires = latest
		}
	}
	return out
}
