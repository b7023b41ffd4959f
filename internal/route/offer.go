package route

import (
	"fmt"
	"slices"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
)

// offer is what one quote, or two in a row, would pay the beneficiary. It holds no pointers, so that many are cheap.
type offer struct {
	quote  int32 // of the provider that pays out
	first  int32 // the leg before it, by index in via.firsts; negative where there is none
	member int32
	// rate and received are as money moves; fee is what providers take beside the rate, in the destination currency.
	rate, received, fee int64
	bps                 int64
	failureBps          int64
	latency             time.Duration
}

// collect turns quotes into offers.
func (ch *choice) collect() {
	ch.heard = slices.Grow(ch.heard, len(ch.members))[:len(ch.members)]
	clear(ch.heard)
	first := 0
	if ch.onward {
		ch.leave()
		first = 1
	}
	for i := first; i < len(ch.quotes); i++ {
		q := &ch.quotes[i]
		m := ch.member(q.Provider, i)
		if m < 0 {
			ch.skip(q.Provider, "", SkipUnknown, "is not in corridor "+ch.plan.Name)
			continue
		}
		ch.heard[m] = true
		h := ch.healthOf(m)
		if h.Down {
			ch.skip(q.Provider, "", SkipDown, downDetail(h))
			continue
		}
		sell, buy := q.Sell.Currency(), q.Buy.Currency()
		direct := sell == ch.source && buy == ch.dest
		rate, code, detail := ch.sound(q, direct)
		if code != "" {
			ch.skip(q.Provider, "", code, detail)
			continue
		}
		l := leg{quote: int32(i), member: m, rate: rate, latency: h.Latency, failureBps: h.FailureBps}
		switch {
		case ch.onward && buy == ch.dest && sell == ch.quotes[0].Buy.Currency():
			ch.via.seconds = append(ch.via.seconds, l)
		case ch.onward:
			ch.skip(q.Provider, "", SkipPair, fmt.Sprintf("quoted %s to %s", sell, buy))
		case direct:
			ch.offerDirect(q, &l)
		case sell == ch.source:
			ch.via.firsts = append(ch.via.firsts, l)
		case buy == ch.dest:
			ch.via.seconds = append(ch.via.seconds, l)
		default:
			ch.skip(q.Provider, "", SkipPair, fmt.Sprintf("quoted %s to %s", sell, buy))
		}
	}
	if len(ch.via.firsts) > 0 || len(ch.via.seconds) > 0 {
		ch.offerVia()
	}
}

// leg is a sound quote of a member.
type leg struct {
	quote, member int32
	rate          int64
	failureBps    int64
	latency       time.Duration
}

// member finds a provider; quotes mostly come in the corridor's order, so that place is looked at first.
func (ch *choice) member(name string, hint int) int32 {
	if hint < len(ch.members) && ch.members[hint].name == name {
		return int32(hint)
	}
	if i, ok := ch.index[name]; ok {
		return int32(i)
	}
	return -1
}

// sound checks a quote by itself: alive, and its amounts what its rate says, give or take the provider's rounding.
func (ch *choice) sound(q *fx.Quote, direct bool) (rate int64, code, detail string) {
	if !q.Expires.After(ch.now) {
		return 0, SkipExpired, "expired " + q.Expires.UTC().Format(time.RFC3339)
	}
	rate, ok := q.Rate.Fixed()
	if !ok || rate == 0 {
		return 0, SkipInconsistent, "rate " + q.Rate.String() + " is not between 0 and 9 million"
	}
	sell, buy := q.Sell.Currency(), q.Buy.Currency()
	if !direct && (sell.Digits() < 0 || buy.Digits() < 0) {
		return 0, SkipInconsistent, fmt.Sprintf("quoted %q to %q: not ISO 4217 currencies in use", string(sell), string(buy))
	}
	if !q.Fee.IsZero() && (q.Fee.IsNegative() || q.Fee.Currency() != sell) {
		return 0, SkipInconsistent, fmt.Sprintf("fee of %s on a quote in %s", q.Fee, sell)
	}
	if q.Sell.IsPositive() && !q.Buy.IsZero() {
		worth, ok := ch.converter(sell, buy).convert(q.Sell.Minor(), rate)
		if diff := worth - q.Buy.Minor(); !ok || diff > 1 || diff < -1 {
			return 0, SkipInconsistent, fmt.Sprintf("%s for %s is not what its rate of %s says", q.Buy, q.Sell, q.Rate)
		}
	}
	return rate, "", ""
}

func (ch *choice) converter(from, to money.Currency) converter {
	if from == ch.source && to == ch.dest {
		return ch.direct
	}
	return newConverter(from, to)
}

// bought is what a quote gives for an amount: its own word where that is the amount it was asked for, else its rate's.
func (ch *choice) bought(q *fx.Quote, rate, minor int64) (int64, bool) {
	if q.Sell.Minor() == minor && q.Buy.IsPositive() {
		return q.Buy.Minor(), true
	}
	return ch.converter(q.Sell.Currency(), q.Buy.Currency()).convert(minor, rate)
}

func (ch *choice) offerDirect(q *fx.Quote, l *leg) {
	o, ok := ch.offer(), true
	o.quote, o.first, o.member, o.rate, o.failureBps, o.latency = l.quote, -1, l.member, l.rate, l.failureBps, l.latency
	o.fee, o.bps = 0, 0
	if minor := ch.principal.Minor(); q.Sell.Minor() == minor && q.Buy.IsPositive() {
		o.received = q.Buy.Minor()
	} else {
		o.received, ok = ch.direct.convert(minor, l.rate)
	}
	if ok && !q.Fee.IsZero() {
		o.fee, ok = ch.direct.convert(q.Fee.Minor(), l.rate)
	}
	ch.accept(q.Provider, o, ok)
}

// offer makes room for one more, all of whose fields are to be set; accept decides whether it stays.
func (ch *choice) offer() *offer {
	n := len(ch.offers)
	ch.offers = slices.Grow(ch.offers, 1)[:n+1]
	return &ch.offers[n]
}

// accept judges the last offer against the reference rate, and drops it where it does not do.
func (ch *choice) accept(provider string, o *offer, fits bool) {
	limit := ch.plan.SpreadCapBps
	switch {
	case !fits || o.received <= 0:
		ch.skip(provider, "", SkipNothing, fmt.Sprintf("nothing, or too much to count, would be received for %s", ch.principal))
	case ch.ref == 0 && limit > 0:
		ch.skip(provider, "", SkipNoReference, fmt.Sprintf("no reference rate to judge the spread cap of %d bps by", limit))
	case ch.ref == 0:
		return
	default:
		o.bps = spreadBps(o.rate, ch.ref)
		if limit == 0 || o.bps < limit || !beyondCap(o.rate, ch.ref, limit) {
			return
		}
		ch.skip(provider, "", SkipSpread, fmt.Sprintf("%d bps worse than the reference rate, the cap is %d", o.bps, limit))
	}
	ch.offers = ch.offers[:len(ch.offers)-1]
}

// write puts the offer's quotes into a route.
func (ch *choice) write(r *Route, o *offer) {
	r.Quote = ch.quotes[o.quote]
	if o.first >= 0 {
		ch.writeLegs(r, o)
		return
	}
	if r.Quote.ID == "" && r.Quote.Sell.Minor() != r.Principal.Minor() {
		// An indicative quote is for no amount in particular: it says what this principal comes to.
		r.Quote.Sell, r.Quote.Buy = r.Principal, r.Received
	}
}
