package router

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/route"
	"qiantang.dev/rails/pkg/client"
)

// leg is one of the conversions of a route by way of another currency. All but the last are exchanges between our own balances with
// their provider; the provider of the last one converts and pays out.
type leg struct {
	Provider    string     `json:"provider"`
	Participant string     `json:"participant,omitempty"` // the provider settles as
	QuoteID     string     `json:"quote,omitempty"`
	Rate        money.Rate `json:"rate"`
	Reference   money.Rate `json:"reference,omitzero"`
	Sell        sum        `json:"sell"`
	Buy         sum        `json:"buy"`
	Fee         sum        `json:"fee,omitzero"`
	// Spread is what Sell is worth at Reference less Buy; zero where there is no reference rate.
	Spread     sum       `json:"spread"`
	Guaranteed bool      `json:"guaranteed,omitempty"`
	Expires    time.Time `json:"expires"`
	// Done is when its provider said that the exchange is done; Ref is what it calls it.
	Done time.Time `json:"done,omitzero"`
	Ref  string    `json:"ref,omitempty"`
}

func (l *leg) quote() fx.Quote {
	return fx.Quote{
		Provider: l.Provider, ID: l.QuoteID, Sell: l.Sell.Amount, Buy: l.Buy.Amount, Rate: l.Rate, Fee: l.Fee.Amount, Expires: l.Expires,
		Guaranteed: l.Guaranteed,
	}
}

func (l *leg) wire() client.Leg {
	w := client.Leg{
		Provider: l.Provider, Rate: l.Rate.String(), Sell: l.Sell.wire(), Buy: l.Buy.wire(), Spread: l.Spread.wire(), Expires: l.Expires,
		Reference: l.Ref,
	}
	if !l.Reference.IsZero() {
		w.ReferenceRate = l.Reference.String()
	}
	if !l.Done.IsZero() {
		w.Done = &l.Done
	}
	return w
}

// newLeg is a quote as a leg. Its spread is against the reference rate of its own pair.
func (s *snapshot) newLeg(q fx.Quote) leg {
	l := leg{
		Provider: q.Provider, QuoteID: q.ID, Rate: q.Rate, Sell: sum{q.Sell}, Buy: sum{q.Buy}, Fee: sum{q.Fee},
		Spread: sum{money.Zero(q.Buy.Currency())}, Guaranteed: q.Guaranteed, Expires: q.Expires,
	}
	if p := s.providers[q.Provider]; p != nil {
		l.Participant = p.plan.Participant
	}
	ref := s.reference(q.Sell.Currency(), q.Buy.Currency())
	if mid, err := q.Sell.Convert(ref, q.Buy.Currency(), money.HalfUp); err == nil && mid.IsPositive() {
		if spread, err := mid.Sub(q.Buy); err == nil {
			l.Reference, l.Spread = ref, sum{spread}
		}
	}
	return l
}

func legsOf(c *route.Route, s *snapshot) []leg {
	var out []leg
	for _, q := range c.Legs {
		out = append(out, s.newLeg(q))
	}
	return out
}

// exchanged says that a leg is done: the money is in a currency between.
func (p *payment) exchanged() bool { return p.Leg > 0 }

// exchanging says that the present instruction is an exchange that does not pay anybody out.
func (p *payment) exchanging() bool { return p.Route != nil && p.Leg < len(p.Route.Legs)-1 }

// converts says that the present instruction is to convert between our own balances, and pays nobody out.
func (p *payment) converts() bool { return p.To != "" || p.exchanging() }

// counterparty is the provider of the present instruction.
func (p *payment) counterparty() string {
	if p.Leg < len(p.Route.Legs) {
		return p.Route.Legs[p.Leg].Provider
	}
	return p.Route.Provider
}

// lockTime bounds the locking of all legs together, and with it how old the first lock is when the last is made.
const lockTime = maxQuoteTimeout

// lockLegs locks every leg, or none counts: a lock that is not used lapses. What is firm for longest is locked first. Where a lock makes
// the price another, the corridor judges the whole way anew.
func (r *Router) lockLegs(ctx context.Context, s *snapshot, c *corridor, p *payment, candidate route.Route, rate money.Rate) (*taken, error) {
	ctx, cancel := context.WithTimeout(ctx, lockTime)
	defer cancel()
	legs := slices.Clone(candidate.Legs)
	order := make([]int, 0, len(legs))
	for i := p.Leg; i < len(legs); i++ {
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return legs[b].Expires.Compare(legs[a].Expires) })
	for _, i := range order {
		q, err := r.reserve(ctx, c, s.providers[legs[i].Provider], legs[i])
		if err != nil {
			return nil, err
		}
		q.Provider = legs[i].Provider
		legs[i] = q
	}
	if err := follow(legs); err != nil {
		return nil, err
	}
	same := func(a, b fx.Quote) bool { return a.Sell == b.Sell && a.Buy == b.Buy && a.Fee == b.Fee }
	if !slices.EqualFunc(legs, candidate.Legs, same) {
		again := r.judge(c, p, legs, rate)
		if again.Denied != nil || len(again.Routes) == 0 || len(again.Routes[0].Legs) != len(legs) {
			return nil, errMoved(legs, fmt.Errorf("the locked legs are outside the corridor's bounds: %s", again.Why()))
		}
		candidate = again.Routes[0]
	}
	t := s.taken(&candidate, legs[len(legs)-1], rate)
	t.Rate, t.Guaranteed = candidate.Quote.Rate, true
	for _, q := range legs[p.Leg:] {
		t.Expires, t.Guaranteed = fx.Bound(q.Expires, t.Expires), t.Guaranteed && q.Guaranteed
	}
	for i, q := range legs {
		if i < p.Leg {
			t.Legs = append(t.Legs, p.Route.Legs[i])
			continue
		}
		t.Legs = append(t.Legs, s.newLeg(q))
	}
	return t, nil
}

// follow has each leg sell what the one before it buys. One whose price is for an amount of its own cannot follow another amount.
func follow(legs []fx.Quote) error {
	for i := 1; i < len(legs); i++ {
		q, between := &legs[i], legs[i-1].Buy
		if q.Sell == between {
			continue
		}
		if !q.Reusable {
			return errMoved(legs, fmt.Errorf("%s locked %s, and the leg before it buys %s", q.Provider, q.Sell, between))
		}
		sell, buy, err := fx.Price(fx.QuoteRequest{Sell: between, Buy: money.Zero(q.Buy.Currency())}, q.Rate)
		if err != nil {
			return errMoved(legs, err)
		}
		q.Sell, q.Buy = sell, buy
	}
	return nil
}

func errMoved(legs []fx.Quote, err error) error {
	return &fx.Error{Provider: legs[len(legs)-1].Provider, Op: "lock", Class: fx.Final, Code: "moved", Err: err}
}

// judge has the corridor judge a way by legs: as a whole, or from where it stands.
func (r *Router) judge(c *corridor, p *payment, legs []fx.Quote, rate money.Rate) route.Decision {
	if p.exchanged() {
		return c.routes.Onward(p.question(), legs[0], legs[1:], healths(c), rate, r.clock())
	}
	return c.routes.Choose(p.question(), legs, healths(c), rate, r.clock())
}
