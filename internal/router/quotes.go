package router

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
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

// ask is a price to ask a provider for.
type ask struct {
	*provider
	sell money.Amount
	buy  money.Currency
}

// heard is what providers said. Those that do not quote are told of; passing says whether one of them may do so later.
type heard struct {
	quotes  []fx.Quote
	skipped []client.Skipped
	passing bool
}

// ask asks at the same time, each provider within its own time limit; their guards answer from what they know while that is firm.
func (r *Router) ask(ctx context.Context, c *corridor, list []ask, h *heard) {
	type answer struct {
		quote fx.Quote
		err   error
	}
	latest := r.clock().Add(c.ttl())
	answers := make([]answer, len(list))
	one := func(i int) {
		a := &list[i]
		limited, cancel := context.WithTimeout(ctx, quoteTimeout(a.provider))
		defer cancel()
		answers[i].quote, answers[i].err = a.fx.Quote(limited, fx.QuoteRequest{Sell: a.sell, Buy: money.Zero(a.buy), Latest: latest})
	}
	var wait sync.WaitGroup
	for i := 1; i < len(list); i++ {
		wait.Go(func() { one(i) })
	}
	if len(list) > 0 {
		one(0)
	}
	wait.Wait()
	h.quotes = slices.Grow(h.quotes, len(answers))
	for i, a := range answers {
		name := list[i].plan.Name
		if a.err == nil {
			a.quote.Provider = name
			h.quotes = append(h.quotes, a.quote)
			continue
		}
		h.skipped = append(h.skipped, client.Skipped{Provider: name, Code: errorCode(a.err), Detail: list[i].unanswered(c)})
		h.passing = h.passing || errorClass(a.err) != fx.Final
		r.metrics.quoteErrors.WithLabelValues(name, errorCode(a.err)).Inc()
	}
}

func (a *ask) unanswered(c *corridor) string {
	if from, to := c.routes.Source(), c.routes.Destination(); a.sell.Currency() != from || a.buy != to {
		return fmt.Sprintf("no quote from %s to %s", a.sell.Currency(), a.buy)
	}
	return "no quote"
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
