package router

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/route"
	"qiantang.dev/rails/pkg/client"
)

// send gives the provider the payment's present instruction.
func (p *provider) send(ctx context.Context, of *payment) (fx.Status, error) {
	if c, ok := p.fx.(fx.Converter); ok && of.converts() {
		return c.Convert(ctx, of.instruction())
	}
	return p.fx.Pay(ctx, of.instruction())
}

// find asks what became of the present instruction.
func (p *provider) find(ctx context.Context, of *payment) (fx.Status, error) {
	if c, ok := p.fx.(fx.Converter); ok && of.converts() {
		return c.QueryConversion(ctx, of.instruction())
	}
	return p.fx.Query(ctx, of.instruction())
}

// exchange books a leg that is done, before anything else is done with the money that it bought.
func (r *Router) exchange(ctx context.Context, t *task, s fx.Status) error {
	p := t.p.clone()
	l := &p.Route.Legs[p.Leg]
	if s.Paid.IsPositive() && s.Paid != l.Buy.Amount {
		if err := l.adjust(s.Paid); err != nil {
			return fmt.Errorf("payment %s: %w", p.ID, err)
		}
	}
	e, err := bookExchange(p)
	if err != nil {
		return err
	}
	l.Done, l.Ref = r.now(), s.ProviderRef
	p.Leg, p.Reason, p.Tries, p.ProviderRef = p.Leg+1, nil, 0, ""
	if err := r.move(ctx, t, p, Exchange, e, r.clock().Add(r.pace.Lease)); err != nil {
		return err
	}
	t.fresh, t.resend = false, false
	return nil
}

// adjust takes over what the provider says that it bought; the spread bears the difference.
func (l *leg) adjust(bought money.Amount) error {
	diff, err := l.Buy.Sub(bought)
	if err == nil {
		diff, err = l.Spread.Add(diff)
	}
	if err != nil {
		return fmt.Errorf("provider %s says it bought %s: %w", l.Provider, bought, err)
	}
	l.Buy, l.Spread = sum{bought}, sum{diff}
	return nil
}

// onwardPatience is how long the money stays in a currency between while nobody quotes from there. For rails that are closed, it waits
// as long as any payment does.
const onwardPatience = time.Hour

// maxOnward bounds the instructions of a payment whose first leg is done: two digits are what their IDs have room for.
const maxOnward = 99

// onward instructs the last leg: as it was locked, or over whoever the corridor takes now.
func (r *Router) onward(ctx context.Context, t *task) (time.Duration, error) {
	p := t.p
	if p.lockHolds(r.clock()) {
		return 0, r.instructOnward(ctx, t, p.Route)
	}
	if p.Attempt > maxOnward {
		return 0, r.carryOver(ctx, t, client.Reason{Code: codeNoRoute, Detail: fmt.Sprintf("%d instructions came to nothing", p.Attempt-1)})
	}
	found, refused, err := r.onwardRoute(ctx, p)
	if err != nil {
		return 0, err
	}
	if refused == nil {
		return 0, r.instructOnward(ctx, t, found)
	}
	waited := r.clock().Sub(p.Route.Legs[p.Leg-1].Done)
	switch {
	case refused.end == closed && waited < waitedTooLong:
		p.Reason = &refused.Reason
		p.Tries++
		return r.delay(closedTries), nil
	case refused.end == later && waited < onwardPatience:
		p.Reason = &refused.Reason
		return r.backoff(p), nil
	}
	return 0, r.carryOver(ctx, t, refused.Reason)
}

// lockHolds says whether the last leg is still as it was locked.
func (p *payment) lockHolds(now time.Time) bool {
	if p.Leg >= len(p.Route.Legs) {
		return false
	}
	l := &p.Route.Legs[p.Leg]
	return l.Expires.After(now) && l.Sell == p.Route.Legs[p.Leg-1].Buy && !slices.Contains(p.Failed, l.Provider)
}

// onwardRoute chooses among the routes from the currency that the money is in.
func (r *Router) onwardRoute(ctx context.Context, p *payment) (*taken, *refusal, error) {
	s := r.snap.Load()
	c := s.corridors[p.Corridor]
	if !c.serves(p) {
		return nil, notServed(p), nil
	}
	done := p.Route.Legs[p.Leg-1].quote()
	var h heard
	var list []ask
	for _, l := range c.asks.onward {
		if l.between == done.Buy.Currency() && !slices.Contains(p.Failed, l.plan.Name) {
			list = append(list, ask{l.provider, done.Buy, c.routes.Destination()})
		}
	}
	r.ask(ctx, c, list, &h)
	rate := s.reference(p.Amount.Currency(), c.routes.Destination())
	found := choice{decision: c.routes.Onward(p.question(), done, h.quotes, healths(c), rate, r.clock()), skipped: h.skipped, passing: h.passing, rate: rate}
	// That nobody quotes onward passes only if somebody may: h says that.
	found.decision.Skipped = slices.DeleteFunc(found.decision.Skipped, func(s route.Skipped) bool { return s.Code == route.SkipNoSecondQuote })
	return r.take(ctx, s, c, p, &found, p.Failed)
}

// instructOnward makes the last leg's instruction durable, before it is sent.
func (r *Router) instructOnward(ctx context.Context, t *task, found *taken) error {
	p := t.p.clone()
	p.Route, p.ProviderRef, p.Reason = found, "", nil
	if err := r.move(ctx, t, p, Dispatch, entries{}, r.clock().Add(r.pace.Lease)); err != nil {
		return err
	}
	t.fresh, t.resend = true, false
	return nil
}

// retreat gives the last leg up: nothing of it was done, for good, and what comes next has a new ID. A provider that has failed it is not
// asked again, unless all that it could object to was that its quote had expired.
func (r *Router) retreat(ctx context.Context, t *task, why client.Reason, failed bool) (time.Duration, error) {
	p := t.p.clone()
	l := p.Route.Legs[p.Leg]
	if failed && l.Expires.After(r.clock()) {
		p.Failed = append(p.Failed, l.Provider)
	}
	p.Attempt++
	p.Route.Legs, p.Reason, p.ProviderRef = p.Route.Legs[:p.Leg], &why, ""
	wait := r.backoff(p)
	if err := r.move(ctx, t, p, Retreat, entries{}, r.clock().Add(r.pace.Lease)); err != nil {
		return 0, err
	}
	if failed {
		wait = 0
	}
	return wait, nil
}

// carryOver rejects a payment whose money is in a currency between. The customer gets the reserve back, whole; what was exchanged is the
// institution's, to sell when it likes.
func (r *Router) carryOver(ctx context.Context, t *task, why client.Reason) error {
	institution := ""
	if s := r.snap.Load(); s != nil {
		institution = s.region.Self
	}
	p := t.p.clone()
	l := &p.Route.Legs[p.Leg-1]
	why.Detail += fmt.Sprintf("; %s were exchanged for %s at %s, which the institution keeps", p.Route.Legs[0].Sell, l.Buy, l.Provider)
	p.Reason, p.Tries = &why, 0
	needed := p.Schedule != "" && len(p.carryHops(institution)) > 0
	err := r.inWindow(ctx, p.Schedule, needed, func(window string, requires ...ledger.Require) error {
		q := p.clone()
		q.Window = window
		return r.move(ctx, t, q, Fail, bookCarry(q, institution, window), time.Time{}, requires...)
	})
	if err == nil {
		r.metrics.carried.WithLabelValues(p.Corridor, string(l.Buy.Currency())).Inc()
	}
	return err
}
