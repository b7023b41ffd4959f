package route

import (
	"fmt"
	"slices"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
)

// via holds quotes that go only half the way: from the source currency into another, and from another into the destination's.
type via struct{ firsts, seconds []leg }

func (v via) reset() via { return via{firsts: v.firsts[:0], seconds: v.seconds[:0]} }

// offerVia joins legs: each onward quote is offered with the best first leg into its currency, which is bought whole. Rules may
// exclude the provider of that first leg, which excludes the route.
func (ch *choice) offerVia() {
	used := make([]bool, len(ch.via.firsts))
	for _, second := range ch.via.seconds {
		q2 := &ch.quotes[second.quote]
		best, between := -1, int64(0)
		for i, first := range ch.via.firsts {
			q1 := &ch.quotes[first.quote]
			if q1.Buy.Currency() != q2.Sell.Currency() {
				continue
			}
			used[i] = true
			got, ok := ch.bought(q1, first.rate, ch.principal.Minor())
			if ok && (got > between || (got == between && best >= 0 && first.member < ch.via.firsts[best].member)) {
				best, between = i, got
			}
		}
		if best < 0 {
			ch.skip(q2.Provider, "", SkipNoSecondQuote, fmt.Sprintf("quoted from %s, which nobody quoted from %s", q2.Sell.Currency(), ch.source))
			continue
		}
		ch.join(best, between, second)
	}
	for i, first := range ch.via.firsts {
		if !used[i] {
			q := &ch.quotes[first.quote]
			ch.skip(q.Provider, "", SkipNoSecondQuote, fmt.Sprintf("quoted into %s, which nobody quoted into %s", q.Buy.Currency(), ch.dest))
		}
	}
}

func (ch *choice) join(i int, between int64, second leg) {
	first := ch.via.firsts[i]
	q1, q2 := &ch.quotes[first.quote], &ch.quotes[second.quote]
	o := ch.offer()
	*o = offer{
		quote: second.quote, first: int32(i), member: second.member, failureBps: max(first.failureBps, second.failureBps),
		latency: first.latency + second.latency,
	}
	var ok, okRate, okFee bool
	o.received, ok = ch.bought(q2, second.rate, between)
	o.rate, okRate = product(first.rate, second.rate)
	o.fee, okFee = ch.feeOf(q1, q2, o.rate, second.rate)
	ch.accept(q2.Provider, o, ok && okRate && okFee)
}

func (ch *choice) feeOf(q1, q2 *fx.Quote, through, onward int64) (int64, bool) {
	a, ok := ch.direct.convert(q1.Fee.Minor(), through)
	b, ok2 := ch.converter(q2.Sell.Currency(), q2.Buy.Currency()).convert(q2.Fee.Minor(), onward)
	return a + b, ok && ok2 && a+b >= 0
}

// writeLegs puts both quotes into a route, and what they come to as its Quote.
func (ch *choice) writeLegs(r *Route, o *offer) {
	first := ch.via.firsts[o.first]
	q1, q2 := ch.quotes[first.quote], ch.quotes[o.quote]
	between, _ := ch.bought(&q1, first.rate, r.Principal.Minor())
	if q1.ID == "" {
		q1.Sell, q1.Buy = r.Principal, money.FromMinor(between, q1.Buy.Currency())
	}
	if q2.ID == "" {
		q2.Sell, q2.Buy = money.FromMinor(between, q2.Sell.Currency()), r.Received
	}
	if ch.onward {
		q1.Expires = q2.Expires // what is done does not expire
	}
	r.Legs = []fx.Quote{q1, q2}
	r.Quote = fx.Quote{
		Provider: q2.Provider, Sell: r.Principal, Buy: r.Received, Rate: together(o.rate), Fee: q1.Fee,
		Expires: slices.MinFunc(r.Legs, func(a, b fx.Quote) int { return a.Expires.Compare(b.Expires) }).Expires,
		// Two firm promises together are one.
		Guaranteed: q1.Guaranteed && q2.Guaranteed,
	}
}

// together is the rate of several legs, for people and rules: money moves by the legs' own. One that does not fit is no rate.
func together(fixed int64) money.Rate {
	r, err := rateOf(fixed)
	if err != nil {
		return money.Rate{}
	}
	return r
}

// Pair is a currency pair to ask quotes for.
type Pair struct{ Sell, Buy money.Currency }

// Pairs lists what is worth asking a member for: the corridor's own pair, where it takes it, and the legs by way of other currencies
// that the corridor's members offer from end to end. A provider that names no pairs takes all, and is asked for the corridor's own.
func (c *Corridor) Pairs(provider string) []Pair {
	i, ok := c.index[provider]
	if !ok {
		return nil
	}
	own := Pair{c.source, c.dest}
	if len(c.members[i].Pairs) == 0 {
		return []Pair{own}
	}
	var out []Pair
	for _, p := range c.members[i].Pairs {
		pair := Pair{money.Currency(p.Sell), money.Currency(p.Buy)}
		switch {
		case pair == own,
			pair.Sell == c.source && c.offers(Pair{pair.Buy, c.dest}),
			pair.Buy == c.dest && c.offers(Pair{c.source, pair.Sell}):
			out = append(out, pair)
		}
	}
	return out
}

func (c *Corridor) offers(pair Pair) bool {
	return slices.ContainsFunc(c.members, func(m member) bool {
		for _, p := range m.Pairs {
			if p.Sell == string(pair.Sell) && p.Buy == string(pair.Buy) {
				return true
			}
		}
		return false
	})
}

// Onward ranks the routes for a payment whose first leg is done: done sold the principal and bought what quotes convert into the
// destination's currency. What was sold and bought stands, whatever the corridor's fees and rules about its provider are by now; the whole
// way is judged against ref, as in Choose. A route's Legs begin with done.
func (c *Corridor) Onward(p Payment, done fx.Quote, quotes []fx.Quote, health []Health, ref money.Rate, now time.Time) Decision {
	var d Decision
	c.chooseInto(&d, &p, append([]fx.Quote{done}, quotes...), health, ref, now, true)
	return d
}

// leave makes the leg that is done the one first leg.
func (ch *choice) leave() {
	q := &ch.quotes[0]
	if m := ch.member(q.Provider, 0); m >= 0 {
		ch.heard[m] = true
	}
	rate, ok := q.Rate.Fixed()
	if !ok || rate == 0 || q.Sell.Currency() != ch.source {
		ch.skip(q.Provider, "", SkipInconsistent, fmt.Sprintf("the leg that is done sold %s at %s", q.Sell, q.Rate))
		return
	}
	ch.via.firsts = append(ch.via.firsts, leg{quote: 0, member: -1, rate: rate})
}

// feeFor is our fee of a payment: the corridor's, or what the leg that is done has left of the amount.
func (ch *choice) feeFor(p *Payment) (money.Amount, error) {
	if ch.onward {
		return p.Amount.Sub(ch.quotes[0].Sell)
	}
	return ch.Fee(p.Amount)
}
