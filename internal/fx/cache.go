package fx

import (
	"context"
	"sync"
	"time"

	"qiantang.dev/rails/internal/money"
)

type pair struct{ sell, buy money.Currency }

func pairOf(q Quote) pair { return pair{q.Sell.Currency(), q.Buy.Currency()} }

// cache keeps the newest reusable quote of each pair while it is firm, and lets one request at a time renew it.
type cache struct {
	mu      sync.Mutex
	entries map[pair]*entry
}

type entry struct {
	quote Quote
	// until is when the quote is no longer handed out: before it expires, so that it can still be paid with. From half its life on it
	// is renewed while it is handed out, so that nobody waits.
	until    time.Time
	half     time.Time
	reusable bool
	// single says that the provider quotes each amount by itself: there is nothing to share.
	single bool
	flight *flight
}

// flight is a renewal under way.
type flight struct {
	done chan struct{}
	err  error
}

func newCache() *cache { return &cache{entries: map[pair]*entry{}} }

// look is the quote of a pair if there is a firm one; else the request of another to wait for; else neither: the caller asks. Where begun is not
// nil, hit or not, the caller asks and must end that flight.
func (c *cache) look(p pair, now time.Time) (q Quote, hit bool, wait, begun *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[p]
	if !ok {
		e = &entry{}
		c.entries[p] = e
	}
	switch {
	case e.reusable && now.Before(e.until):
		if e.flight == nil && !now.Before(e.half) {
			e.flight = &flight{done: make(chan struct{})}
			begun = e.flight
		}
		return e.quote, true, nil, begun
	case e.single:
		return Quote{}, false, nil, nil
	case e.flight != nil:
		return Quote{}, false, e.flight, nil
	}
	e.flight = &flight{done: make(chan struct{})}
	return Quote{}, false, nil, e.flight
}

// put takes a fresh quote, and ends the flight that brought it.
func (c *cache) put(p pair, q Quote, err error, now time.Time, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[p]
	if err == nil {
		e.reusable = q.Reusable && q.Fee.IsZero() && q.Expires.After(now)
		e.single = !e.reusable
		life := q.Expires.Sub(now)
		e.quote, e.until, e.half = q, q.Expires.Add(-life/4), q.Expires.Add(-life/2)
	}
	if f != nil {
		f.err = err
		close(f.done)
		if e.flight == f {
			e.flight = nil
		}
	}
}

// drop forgets what was cached of a pair: the provider no longer deals at it.
func (c *cache) drop(p pair) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[p]; ok {
		e.until = time.Time{}
	}
}

// wait waits for another's renewal.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
