package router

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"sync"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route"
	"qiantang.dev/rails/pkg/client"
)

// provider is an opened provider, and how many instructions it may be sent at once.
type provider struct {
	plan plan.Provider
	mark [sha256.Size]byte
	fx   fx.Provider
	// lanes bounds instructions and queries under way, and locks quotes being locked, below the guard's own bounds: so that work waits
	// here and not within the time that a call has, and our own load does not look like the provider's failure.
	lanes, locks chan struct{}
	// callback takes its notifications; nil where it sends none.
	callback http.Handler
}

func newProvider(p plan.Provider, mark [sha256.Size]byte, opened fx.Provider) *provider {
	lanes := int(p.MaxConcurrent)
	if lanes <= 0 {
		lanes = defaultLanes
	}
	return &provider{plan: p, mark: mark, fx: opened, lanes: make(chan struct{}, max(1, lanes-lanes/4)), locks: make(chan struct{}, max(1, lanes/2))}
}

// defaultLanes is for providers whose plan sets no bound.
const defaultLanes = 64

// health is what the guard has seen of the provider.
func (p *provider) health() route.Health {
	guarded, ok := p.fx.(interface{ Health() fx.Health })
	if !ok {
		return route.Health{}
	}
	h := guarded.Health()
	out := route.Health{Down: h.Open, FailureBps: 10000 - h.SuccessBps, Latency: h.P95}
	if h.Open {
		out.Reason = "circuit open after " + h.LastError
	}
	return out
}

// quotes asks all the corridor's providers at the same time for selling sell, each within its own time limit; their guards answer from what
// they know while that is firm. Providers that do not quote are told of; passing says whether one of them may do so later.
func (r *Router) quotes(ctx context.Context, c *corridor, sell money.Amount) (quotes []fx.Quote, skipped []client.Skipped, passing bool) {
	type answer struct {
		quote fx.Quote
		err   error
	}
	req := fx.QuoteRequest{Sell: sell, Buy: money.Zero(money.Currency(c.plan.DestinationCurrency)), Latest: r.clock().Add(c.ttl())}
	answers := make([]answer, len(c.providers))
	ask := func(i int) {
		p := c.providers[i]
		limited, cancel := context.WithTimeout(ctx, quoteTimeout(p))
		defer cancel()
		answers[i].quote, answers[i].err = p.fx.Quote(limited, req)
	}
	var wait sync.WaitGroup
	for i := 1; i < len(c.providers); i++ {
		wait.Go(func() { ask(i) })
	}
	if len(c.providers) > 0 {
		ask(0)
	}
	wait.Wait()
	quotes = make([]fx.Quote, 0, len(answers))
	for i, a := range answers {
		if a.err == nil {
			a.quote.Provider = c.providers[i].plan.Name
			quotes = append(quotes, a.quote)
			continue
		}
		skipped = append(skipped, client.Skipped{Provider: c.providers[i].plan.Name, Code: errorCode(a.err), Detail: "no quote"})
		passing = passing || errorClass(a.err) != fx.Final
		r.metrics.quoteErrors.WithLabelValues(c.providers[i].plan.Name, errorCode(a.err)).Inc()
	}
	return quotes, skipped, passing
}

// Time limits where a plan has none, and the most that it may ask for.
const (
	maxQuoteTimeout   = 10 * time.Second
	maxExecuteTimeout = 20 * time.Second
)

func quoteTimeout(p *provider) time.Duration {
	return bounded(p.plan.QuoteTimeout.D(), maxQuoteTimeout)
}

func executeTimeout(p *provider) time.Duration {
	return bounded(p.plan.ExecuteTimeout.D(), maxExecuteTimeout)
}

func bounded(d, most time.Duration) time.Duration {
	if d <= 0 || d > most {
		return most
	}
	return d
}

func errorCode(err error) string {
	var e *fx.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return "error"
}

func errorClass(err error) fx.Class {
	var e *fx.Error
	if errors.As(err, &e) {
		return e.Class
	}
	return fx.Uncertain
}
