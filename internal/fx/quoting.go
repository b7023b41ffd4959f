package fx

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Quote is the provider's price: of a rate that is still firm, or asked for, a second time where the first takes long or fails.
func (g *Guarded) Quote(ctx context.Context, q QuoteRequest) (Quote, error) {
	p := pair{q.Sell.Currency(), q.Buy.Currency()}
	cached, hit, wait, begun := g.cache.look(p, g.now())
	if hit {
		return g.known(p, cached, q, begun)
	}
	ctx, cancel := context.WithTimeout(ctx, g.limits.QuoteTimeout)
	defer cancel()
	for wait != nil {
		err := wait.wait(ctx)
		var e *Error
		switch {
		case ctx.Err() != nil:
			return Quote{}, &Error{Provider: g.name, Op: "quote", Class: Retryable, Code: "timeout", Err: ctx.Err()}
		case errors.As(err, &e) && e.Class == Final:
			return Quote{}, err
		}
		// Another's bad luck is not ours: whoever looks first asks next.
		if cached, hit, wait, begun = g.cache.look(p, g.now()); hit {
			return g.known(p, cached, q, begun)
		}
	}
	return g.fetch(ctx, p, q, begun)
}

// known answers from a quote that is still firm, and renews it where that is called for.
func (g *Guarded) known(p pair, cached Quote, q QuoteRequest, begun *flight) (Quote, error) {
	if begun != nil {
		go g.renew(p, q, begun)
	}
	if g.quotes.State() == gobreaker.StateOpen || g.pays.State() == gobreaker.StateOpen {
		return Quote{}, g.refuse("quote", codeOpen, "circuit open")
	}
	g.metrics.cacheHit(g.name)
	return g.priced(cached, q)
}

// fetch asks for a quote and keeps it.
func (g *Guarded) fetch(ctx context.Context, p pair, q QuoteRequest, begun *flight) (Quote, error) {
	quote, err := g.hedged(ctx, q)
	if err == nil {
		quote, err = g.firm(quote, q)
	}
	g.cache.put(p, quote, err, g.now(), begun)
	return quote, err
}

// renew fetches for those who come later: whoever caused it may be gone by then.
func (g *Guarded) renew(p pair, q QuoteRequest, begun *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), g.limits.QuoteTimeout)
	defer cancel()
	_, _ = g.fetch(ctx, p, q, begun) // it failed: the quote in hand is good for a while, and the next request asks again
}

// priced is a cached quote at its rate for what is asked.
func (g *Guarded) priced(cached Quote, q QuoteRequest) (Quote, error) {
	sell, buy, err := Price(q, cached.Rate)
	if err != nil {
		return Quote{}, &Error{Provider: g.name, Op: "quote", Class: Final, Code: "amount", Err: err}
	}
	cached.Sell, cached.Buy, cached.Expires = sell, buy, Bound(cached.Expires, q.Latest)
	return cached, nil
}

// firm bounds a quote's expiry, and refuses one that has expired already.
func (g *Guarded) firm(quote Quote, q QuoteRequest) (Quote, error) {
	quote.Expires = Bound(quote.Expires, q.Latest)
	if !quote.Expires.After(g.now()) {
		return Quote{}, &Error{Provider: g.name, Op: "quote", Class: Retryable, Code: codeExpired,
			Err: fmt.Errorf("quote expired at %s", quote.Expires.Format(time.RFC3339))}
	}
	return quote, nil
}

type attempt struct {
	quote Quote
	err   error
	hedge bool
}

// hedged asks, and asks once more when the answer takes longer than the provider's p95, or fails in a way that may pass. The first good
// answer counts; the other request is cancelled.
func (g *Guarded) hedged(ctx context.Context, q QuoteRequest) (Quote, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g.budget.earn()
	answers := make(chan attempt, 2)
	ask := func(hedge bool) {
		go func() {
			quote, err := guarded(ctx, g, "quote", g.limits.QuoteTimeout, func(ctx context.Context) (Quote, error) { return g.inner.Quote(ctx, q) })
			answers <- attempt{quote, err, hedge}
		}()
	}
	ask(false)
	var late <-chan time.Time
	if after := g.hedgeAfter(); after > 0 {
		t := time.NewTimer(after)
		defer t.Stop()
		late = t.C
	}
	under, hedged := 1, false
	second := func() bool {
		if hedged || !g.budget.spend() {
			return false
		}
		hedged = true
		under++
		ask(true)
		return true
	}
	for {
		select {
		case <-late:
			late = nil
			second()
		case a := <-answers:
			under--
			if a.err == nil {
				if hedged {
					g.metrics.hedge(g.name, a.hedge)
				}
				return a.quote, nil
			}
			if passing(a.err) && ctx.Err() == nil && second() {
				continue
			}
			if under == 0 {
				return Quote{}, a.err
			}
		}
	}
}

// passing says whether asking again at once may help.
func passing(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Class != Final && !own(e.Code)
}

// hedgeAfter is when the second request is sent; zero: not for being late.
func (g *Guarded) hedgeAfter() time.Duration {
	if g.limits.HedgeAfter > 0 {
		return g.limits.HedgeAfter
	}
	if p95 := g.track.snapshot().P95; p95 > 0 {
		return max(p95, time.Millisecond)
	}
	return 0
}

// budget keeps hedges to a tenth of the requests, so that they cannot double the load of a provider that is slow because of it.
type budget struct {
	mu      sync.Mutex
	started bool
	credit  int
}

const (
	hedgeCost  = 10
	hedgeStart = 5 * hedgeCost
	hedgeMost  = 20 * hedgeCost
)

func (b *budget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.started {
		b.started, b.credit = true, hedgeStart
	}
	b.credit = min(b.credit+1, hedgeMost)
}

func (b *budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.credit < hedgeCost {
		return false
	}
	b.credit -= hedgeCost
	return true
}
