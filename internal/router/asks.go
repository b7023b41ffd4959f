package router

import (
	"context"
	"slices"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/route"
)

// maxBetween bounds the currencies between that a corridor asks for: those that its members' pairs name first.
const maxBetween = 4

// asks is whom a corridor asks for what.
type asks struct {
	// own are the members that take the corridor's own pair.
	own []*provider
	// first buy a currency between with the source's, and convert without paying out; onward sell it for the destination's.
	first, onward []legAsk
}

// legAsk is a provider that takes one leg by way of another currency.
type legAsk struct {
	*provider
	between money.Currency
}

func newAsks(c *corridor) asks {
	var a asks
	from, to := c.routes.Source(), c.routes.Destination()
	var between []money.Currency
	for _, p := range c.providers {
		for _, pair := range c.routes.Pairs(p.plan.Name) {
			switch {
			case c.plan.Conversion && !fx.Converts(p.fx):
			case pair == route.Pair{Sell: from, Buy: to}:
				a.own = append(a.own, p)
			case pair.Sell == from:
				if !slices.Contains(between, pair.Buy) && len(between) < maxBetween {
					between = append(between, pair.Buy)
				}
				if fx.Converts(p.fx) {
					a.first = append(a.first, legAsk{p, pair.Buy})
				}
			default:
				a.onward = append(a.onward, legAsk{p, pair.Sell})
			}
		}
	}
	// A leg without another is no way.
	bought := func(l legAsk) bool { return !slices.Contains(between, l.between) }
	a.first = slices.DeleteFunc(a.first, bought)
	a.onward = slices.DeleteFunc(a.onward, func(l legAsk) bool {
		return !slices.ContainsFunc(a.first, func(f legAsk) bool { return f.between == l.between })
	})
	return a
}

// quotes asks for selling principal: the members that take the corridor's pair and, where there are ways by other currencies, for their
// first legs at the same time; then for what the best of these buy. Providers in excluded are not asked for legs.
func (r *Router) quotes(ctx context.Context, c *corridor, principal money.Amount, excluded []string) heard {
	var h heard
	list := make([]ask, 0, len(c.asks.own)+len(c.asks.first))
	for _, p := range c.asks.own {
		list = append(list, ask{p, principal, c.routes.Destination()})
	}
	for _, l := range c.asks.first {
		if !slices.Contains(excluded, l.plan.Name) {
			list = append(list, ask{l.provider, principal, l.between})
		}
	}
	r.ask(ctx, c, list, &h)
	if len(c.asks.onward) == 0 {
		return h
	}
	best := map[money.Currency]money.Amount{}
	for _, q := range h.quotes {
		if b := q.Buy.Currency(); b != c.routes.Destination() && q.Buy.Minor() > best[b].Minor() {
			best[b] = q.Buy
		}
	}
	list = list[:0]
	for _, l := range c.asks.onward {
		if between, ok := best[l.between]; ok && !slices.Contains(excluded, l.plan.Name) {
			list = append(list, ask{l.provider, between, c.routes.Destination()})
		}
	}
	r.ask(ctx, c, list, &h)
	return h
}
