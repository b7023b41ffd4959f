package router

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/route"
	"qiantang.dev/rails/pkg/client"
)

// refusal is why a payment has no route.
type refusal struct {
	client.Reason
	end end
}

// end is what a refusal means for the payment.
type end int

const (
	later  end = iota // a provider did not answer: it may be gone at once
	closed            // every rail that would do is closed: it will be gone when one opens
	forever
)

// choice is what a corridor would do with a payment.
type choice struct {
	decision route.Decision
	skipped  []client.Skipped
	// passing says that a provider without a quote or a lock may give one later.
	passing bool
	rate    money.Rate
	fee     money.Amount
	// unlocked are the providers of legs that could not be locked.
	unlocked []string
}

// hopeless says that one of the legs still to be locked could not be before.
func (c *choice) hopeless(legs []fx.Quote, done int) bool {
	return len(legs) > 0 && slices.ContainsFunc(legs[done:], func(q fx.Quote) bool { return slices.Contains(c.unlocked, q.Provider) })
}

// decide quotes and ranks. A refusal says that the amount cannot be split into fee and principal.
func (r *Router) decide(ctx context.Context, s *snapshot, c *corridor, p *payment, excluded []string) (choice, *refusal, error) {
	fee, err := c.routes.Fee(p.Amount.Amount)
	if err != nil {
		return choice{}, nil, fmt.Errorf("fee of %s in corridor %s: %w", p.Amount, c.plan.Name, err)
	}
	principal, err := p.Amount.Sub(fee)
	if err != nil {
		return choice{}, nil, fmt.Errorf("fee of %s in corridor %s: %w", p.Amount, c.plan.Name, err)
	}
	if !principal.IsPositive() {
		return choice{}, &refusal{client.Reason{Code: codeLimit, Detail: fmt.Sprintf("nothing is left of %s after the fee of %s", p.Amount, fee)}, forever}, nil
	}
	h := r.quotes(ctx, c, principal, excluded)
	rate := s.reference(p.Amount.Currency(), money.Currency(c.plan.DestinationCurrency))
	return choice{decision: c.routes.Choose(p.question(), h.quotes, healths(c), rate, r.clock()), skipped: h.skipped, passing: h.passing, rate: rate, fee: fee}, nil, nil
}

func healths(c *corridor) []route.Health {
	out := make([]route.Health, len(c.providers))
	for i, p := range c.providers {
		out[i] = p.health()
	}
	return out
}

// choose finds the best route that is not excluded, and locks its rate.
func (r *Router) choose(ctx context.Context, s *snapshot, c *corridor, p *payment, excluded []string) (*taken, *refusal, error) {
	var first *refusal // says what was wrong while nobody was left out
	for without := excluded; ; {
		found, refused, err := r.decide(ctx, s, c, p, without)
		if err != nil || refused != nil {
			return nil, refused, err
		}
		t, refused, err := r.take(ctx, s, c, p, &found, excluded)
		if err != nil || refused == nil {
			return t, refused, err
		}
		if first == nil {
			first = refused
		}
		again := slices.DeleteFunc(found.unlocked, func(name string) bool { return slices.Contains(without, name) })
		if len(again) == 0 || len(without) >= len(excluded)+maxAgain {
			return nil, first, nil
		}
		// Legs are joined with the best first leg alone: without that one there may be another way.
		without = slices.Concat(without, again)
	}
}

// maxAgain bounds how many providers of legs are left out, one after the other, because they did not lock.
const maxAgain = 3

// take locks the best route that is not excluded. A provider whose leg could not be locked is
// not tried again in this choice.
func (r *Router) take(ctx context.Context, s *snapshot, c *corridor, p *payment, found *choice, excluded []string) (*taken, *refusal, error) {
	if d := found.decision.Denied; d != nil {
		return nil, &refusal{client.Reason{Code: d.Code, Detail: d.Detail}, forever}, nil
	}
	for _, x := range found.decision.Skipped {
		r.metrics.skips.WithLabelValues(p.Corridor, x.Provider, x.Code).Inc()
	}
	for _, candidate := range found.decision.Routes {
		if slices.Contains(excluded, candidate.Provider) || found.hopeless(candidate.Legs, p.Leg) {
			continue
		}
		lock := r.lock
		if len(candidate.Legs) > 0 {
			lock = r.lockLegs
		}
		locked, err := lock(ctx, s, c, p, candidate, found.rate)
		if err == nil {
			return locked, nil, nil
		}
		found.passing = found.passing || errorClass(err) != fx.Final
		name := candidate.Provider
		if len(candidate.Legs) > 0 {
			name = failedAt(err, name)
			found.unlocked = append(found.unlocked, name)
		}
		r.metrics.quoteErrors.WithLabelValues(name, errorCode(err)).Inc()
		found.skipped = append(found.skipped, client.Skipped{Provider: name, Rail: candidate.Rail, Code: errorCode(err), Detail: "the quote could not be locked"})
	}
	return nil, noRoute(*found), nil
}

// failedAt is whose failure err is; otherwise where it does not say.
func failedAt(err error, otherwise string) string {
	var e *fx.Error
	if errors.As(err, &e) && e.Provider != "" {
		return e.Provider
	}
	return otherwise
}

// lock makes the provider hold the candidate's rate. Where that makes the price another, the corridor judges it anew.
func (r *Router) lock(ctx context.Context, s *snapshot, c *corridor, p *payment, candidate route.Route, rate money.Rate) (*taken, error) {
	handle := s.providers[candidate.Provider]
	quote, err := r.reserve(ctx, c, handle, candidate.Quote)
	if err != nil {
		return nil, err
	}
	if quote.Buy != candidate.Quote.Buy || quote.Sell != candidate.Quote.Sell || quote.Fee != candidate.Quote.Fee {
		again := c.routes.Choose(p.question(), []fx.Quote{quote}, healths(c), rate, r.clock())
		if again.Denied != nil || len(again.Routes) == 0 {
			return nil, &fx.Error{Provider: candidate.Provider, Op: "lock", Class: fx.Final, Code: "moved",
				Err: fmt.Errorf("the locked price %s for %s is outside the corridor's bounds", quote.Buy, quote.Sell)}
		}
		candidate = again.Routes[0]
	}
	return s.taken(&candidate, quote, rate), nil
}

// reserve makes a provider hold one quote.
func (r *Router) reserve(ctx context.Context, c *corridor, handle *provider, q fx.Quote) (fx.Quote, error) {
	select {
	case handle.locks <- struct{}{}:
	case <-ctx.Done():
		return fx.Quote{}, &fx.Error{Provider: handle.plan.Name, Op: "lock", Class: fx.Retryable, Code: "cancelled", Err: ctx.Err()}
	}
	limited, cancel := context.WithTimeout(ctx, quoteTimeout(handle))
	quote, err := handle.fx.Lock(limited, q)
	cancel()
	<-handle.locks
	quote.Expires = fx.Bound(quote.Expires, r.clock().Add(c.ttl()))
	return quote, err
}

// taken is a route whose quote is locked.
func (s *snapshot) taken(candidate *route.Route, quote fx.Quote, rate money.Rate) *taken {
	t := &taken{
		Provider: candidate.Provider, Rail: candidate.Rail, Participant: s.providers[candidate.Provider].plan.Participant,
		QuoteID: quote.ID, Rate: quote.Rate, Reference: rate, QuoteSell: sum{quote.Sell}, QuoteBuy: sum{quote.Buy}, QuoteFee: sum{quote.Fee},
		Fee: sum{candidate.Fee}, Principal: sum{candidate.Principal}, Received: sum{candidate.Received},
		Spread: sum{candidate.Spread}, SpreadBps: candidate.SpreadBps,
		Guaranteed: quote.Guaranteed, Expires: quote.Expires, Arrival: candidate.Arrival,
	}
	if rail := s.rails[candidate.Rail]; rail != nil {
		t.System = rail.System
	}
	if t.Spread.IsZero() {
		t.Spread = sum{money.Zero(t.Received.Currency())}
	}
	return t
}

// noRoute says why no route was left, and for how long that holds.
func noRoute(found choice) *refusal {
	out := &refusal{client.Reason{Code: codeNoRoute, Detail: "no route: "}, forever}
	var parts []string
	for _, s := range found.skipped {
		parts = append(parts, fmt.Sprintf("%s: %s", s.Provider, s.Code))
	}
	if found.passing {
		out.end = later
	}
	shut := false
	for _, s := range found.decision.Skipped {
		if s.Code == route.SkipNoQuote {
			continue // told of above, with the reason
		}
		parts = append(parts, strings.TrimSpace(s.Provider+" "+s.Rail)+": "+s.Detail)
		switch s.Code {
		case route.SkipRailClosed:
			shut = true
		case route.SkipDown, route.SkipExpired, route.SkipNoReference, route.SkipNoSecondQuote:
			out.end = later
		}
	}
	if shut {
		out.end = closed
	}
	if len(parts) == 0 {
		parts = []string{"all were tried"}
	}
	out.Detail += strings.Join(parts, "; ")
	if cut := []rune(out.Detail); len(cut) > 1000 {
		out.Detail = string(cut[:1000]) + " …"
	}
	return out
}

// question is the payment as the corridor's decisions see it.
func (p *payment) question() route.Payment {
	q := route.Payment{
		ID: p.ID.String(), Amount: p.Amount.Amount, Purpose: p.Purpose, BeneficiaryCountry: p.Beneficiary.Country, Metadata: p.Metadata,
	}
	if p.Debtor != nil {
		q.DebtorCountry = p.Debtor.Country
	}
	return q
}

func routesWire(s *snapshot, found choice) ([]client.Route, []client.Skipped) {
	routes := make([]client.Route, 0, len(found.decision.Routes))
	for _, c := range found.decision.Routes {
		t := taken{
			Provider: c.Provider, Rail: c.Rail, Rate: c.Quote.Rate, Reference: found.rate, Fee: sum{c.Fee}, Principal: sum{c.Principal},
			Received: sum{c.Received}, Spread: sum{c.Spread}, SpreadBps: c.SpreadBps, Guaranteed: c.Quote.Guaranteed,
			Expires: c.Quote.Expires, Arrival: c.Arrival, Legs: legsOf(&c, s),
		}
		routes = append(routes, *t.wire())
	}
	skipped := append([]client.Skipped(nil), found.skipped...)
	for _, s := range found.decision.Skipped {
		skipped = append(skipped, client.Skipped{Provider: s.Provider, Rail: s.Rail, Code: s.Code, Detail: s.Detail})
	}
	return routes, skipped
}

// waitedTooLong is how long a payment may be without a route before it is rejected: longer than any rail is closed for.
const waitedTooLong = 7 * 24 * time.Hour
