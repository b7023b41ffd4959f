package fx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"
)

// Guarded is a Provider behind a deadline, a rate limit, a bulkhead and circuit breakers; its quotes are hedged, and cached while they
// are firm. Payments and queries are sent once, whatever happens.
type Guarded struct {
	inner   Provider
	name    string
	limits  Limits
	metrics *Metrics
	now     func() time.Time

	limiter *rate.Limiter
	// slots are all requests under way; quoting those of them that are quotes, fewer, so that quotes cannot keep payments out.
	slots, quoting chan struct{}
	quotes, pays   *gobreaker.TwoStepCircuitBreaker[any]
	track          *track
	cache          *cache
	budget         budget
}

// Guard wraps a provider. metrics may be nil; now is time.Now where nil.
func Guard(p Provider, name string, l Limits, metrics *Metrics, now func() time.Time) *Guarded {
	if now == nil {
		now = time.Now
	}
	g := &Guarded{inner: p, name: name, limits: l, metrics: metrics, now: now, track: newTrack(), cache: newCache(),
		slots: make(chan struct{}, l.Concurrent), quoting: make(chan struct{}, max(1, l.Concurrent-max(1, l.Concurrent/4)))}
	if l.Rate > 0 {
		g.limiter = rate.NewLimiter(rate.Limit(l.Rate), max(l.Burst, 1))
	}
	g.quotes, g.pays = g.breaker("quotes"), g.breaker("payments")
	return g
}

func (g *Guarded) breaker(circuit string) *gobreaker.TwoStepCircuitBreaker[any] {
	g.metrics.state(g.name, circuit, int(gobreaker.StateClosed))
	return gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{Name: circuit, MaxRequests: 2, Timeout: g.limits.Open,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= g.limits.Failures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errUntold) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			g.metrics.state(g.name, circuit, int(to))
		}})
}

// Health is the provider's now.
func (g *Guarded) Health() Health {
	h := g.track.snapshot()
	q, p := g.quotes.State(), g.pays.State()
	h.Open = q == gobreaker.StateOpen || p == gobreaker.StateOpen
	h.HalfOpen = !h.Open && (q == gobreaker.StateHalfOpen || p == gobreaker.StateHalfOpen)
	return h
}

// Lock asks the provider to hold a quote, once: a lock may reserve something. A quote that is firm already needs no request.
func (g *Guarded) Lock(ctx context.Context, q Quote) (Quote, error) {
	if q.Guaranteed {
		switch {
		case !q.Expires.IsZero() && !g.now().Before(q.Expires):
			g.cache.drop(pairOf(q))
			return Quote{}, g.refuse("lock", codeExpired, "the quote expired at "+q.Expires.Format(time.RFC3339))
		case g.pays.State() == gobreaker.StateOpen:
			return Quote{}, g.refuse("lock", codeOpen, "payments fail: circuit open")
		}
		return q, nil
	}
	latest := q.Expires
	locked, err := guarded(ctx, g, "lock", g.limits.QuoteTimeout, func(ctx context.Context) (Quote, error) { return g.inner.Lock(ctx, q) })
	if err != nil {
		g.stale(q, err)
		return Quote{}, err
	}
	locked.Expires = Bound(locked.Expires, latest)
	return locked, nil
}

// Pay instructs, once.
func (g *Guarded) Pay(ctx context.Context, i Instruction) (Status, error) {
	return g.instruct(ctx, i, g.inner.Pay)
}

// instruct sends an instruction, and learns from what comes of it.
func (g *Guarded) instruct(ctx context.Context, i Instruction, send func(context.Context, Instruction) (Status, error)) (Status, error) {
	s, err := guarded(ctx, g, "pay", g.limits.ExecuteTimeout, func(ctx context.Context) (Status, error) { return send(ctx, i) })
	var e *Error
	switch {
	case err == nil && (s.Outcome == Succeeded || s.Outcome == Pending):
		g.track.outcome(true)
	case err == nil, errors.As(err, &e) && !own(e.Code):
		g.track.outcome(false)
		g.stale(i.Quote, err)
	}
	return s, err
}

// stale drops the rate that a quote is of where the provider no longer honours it.
func (g *Guarded) stale(q Quote, err error) {
	var e *Error
	if errors.As(err, &e) && (e.Class == Final || e.Code == codeExpired) {
		g.cache.drop(pairOf(q))
	}
}

// Query finds an outcome.
func (g *Guarded) Query(ctx context.Context, i Instruction) (Status, error) {
	return guarded(ctx, g, "query", g.limits.ExecuteTimeout, func(ctx context.Context) (Status, error) { return g.inner.Query(ctx, i) })
}

// The codes of refusals that are our own: the provider was not asked.
const (
	codeOpen        = "circuit-open"
	codeRateLimited = "rate-limited"
	codeBusy        = "busy"
	codeCancelled   = "cancelled"
	codeExpired     = "expired"
)

func own(code string) bool {
	return code == codeOpen || code == codeRateLimited || code == codeBusy || code == codeCancelled
}

func (g *Guarded) refuse(op, code, why string) *Error {
	g.metrics.request(g.name, op, code, 0)
	return &Error{Provider: g.name, Op: op, Class: Retryable, Code: code, Err: errors.New(why)}
}

// guarded makes one request: a slot, a token and a closed circuit, then the deadline, then the verdict.
func guarded[T any](ctx context.Context, g *Guarded, op string, timeout time.Duration, f func(context.Context) (T, error)) (T, error) {
	var zero T
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	circuit := g.pays
	if op == "quote" || op == "lock" {
		circuit = g.quotes
		if g.pays.State() == gobreaker.StateOpen {
			// Nothing may be promised of a provider that cannot pay.
			return zero, g.refuse(op, codeOpen, "payments fail: circuit open")
		}
		select {
		case g.quoting <- struct{}{}:
			defer func() { <-g.quoting }()
		case <-ctx.Done():
			return zero, g.refuse(op, codeBusy, fmt.Sprintf("%d quote requests under way", cap(g.quoting)))
		}
	}
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	case <-ctx.Done():
		return zero, g.refuse(op, codeBusy, fmt.Sprintf("%d requests under way", cap(g.slots)))
	}
	if g.limiter != nil {
		if err := g.limiter.Wait(ctx); err != nil {
			return zero, g.refuse(op, codeRateLimited, fmt.Sprintf("our limit is %d requests a second", g.limits.Rate))
		}
	}
	done, err := circuit.Allow()
	if err != nil {
		return zero, g.refuse(op, codeOpen, "circuit open")
	}
	g.track.begin()
	start := g.now()
	out, err := f(ctx)
	took := g.now().Sub(start)
	var e *Error
	if err != nil && !errors.As(err, &e) {
		// An adapter that breaks its contract is taken at the worst.
		e = &Error{Provider: g.name, Op: op, Class: Uncertain, Code: "unclassified", Err: err}
		err = e
	}
	result, code := "ok", ""
	if e != nil {
		result, code = string(e.Class), e.Code
	}
	done(breaks(e))
	g.track.end(code, g.now())
	if op == "quote" && (e == nil || code == codeCancelled && took >= g.track.snapshot().P95) {
		// A slow request that a hedge overtook counts with what it had taken by then, or the percentile would only ever fall.
		g.track.latency(took)
	}
	g.metrics.request(g.name, op, result, took)
	return out, err
}

// What the circuit is told: that the provider is broken, or nothing at all.
var (
	errBroken = errors.New("provider broken")
	errUntold = errors.New("nothing learned of the provider")
)

// breaks says whether an error counts against the circuit: refusals in the provider's own words do not; what we gave up ourselves, or
// were told to slow down for, says nothing of it.
func breaks(e *Error) error {
	switch {
	case e == nil || e.Class == Final:
		return nil
	case own(e.Code):
		return errUntold
	default:
		return errBroken
	}
}
