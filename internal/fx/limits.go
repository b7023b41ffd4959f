package fx

import (
	"time"

	"qiantang.dev/rails/internal/plan"
)

// Limits are what a Guarded provider keeps to.
type Limits struct {
	// QuoteTimeout bounds Quote and Lock with all their attempts, ExecuteTimeout Pay and Query.
	QuoteTimeout, ExecuteTimeout time.Duration
	// HedgeAfter asks for a quote a second time; zero: after the provider's own p95.
	HedgeAfter time.Duration
	// Rate of requests a second with Burst; zero: none.
	Rate, Burst int
	// Concurrent requests at once. A quarter, at least one, is kept for Pay and Query.
	Concurrent int
	// Failures in a row open the circuit for Open.
	Failures uint32
	Open     time.Duration
}

// Our own bounds: whatever a resource says, nothing waits longer and nothing is unlimited.
const (
	maxTimeout        = time.Minute
	defaultQuote      = 2 * time.Second
	defaultExecute    = 10 * time.Second
	defaultConcurrent = 64
	defaultFailures   = 5
	defaultOpen       = 10 * time.Second
)

// LimitsOf are the limits that a plan gives a provider, bounded.
func LimitsOf(p plan.Provider) Limits {
	bound := func(d plan.Duration, otherwise time.Duration) time.Duration {
		if d <= 0 {
			return otherwise
		}
		return min(d.D(), maxTimeout)
	}
	l := Limits{QuoteTimeout: bound(p.QuoteTimeout, defaultQuote), ExecuteTimeout: bound(p.ExecuteTimeout, defaultExecute),
		HedgeAfter: max(p.HedgeAfter.D(), 0), Rate: int(max(p.RateLimit, 0)), Burst: int(max(p.Burst, 1)), Concurrent: int(p.MaxConcurrent),
		Failures: uint32(max(p.BreakerFailures, 0)), Open: bound(p.BreakerOpen, defaultOpen)}
	if l.Concurrent <= 0 {
		l.Concurrent = defaultConcurrent
	}
	if l.Failures == 0 {
		l.Failures = defaultFailures
	}
	return l
}
