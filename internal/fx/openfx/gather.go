package openfx

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"qiantang.dev/rails/internal/fx"
)

// Bounds of one request that carries many payouts.
const (
	// gatherFor is how long a payout waits for others where one was sent just before. One that comes alone is sent at once.
	gatherFor = 4 * time.Millisecond
	// maxTogether is the contract's.
	maxTogether = 100
)

// pending is a payout that waits for its answer.
type pending struct {
	i    fx.Instruction
	body []byte
	done chan outcome
	// until is when its caller gives up.
	until time.Time
}

type outcome struct {
	status fx.Status
	err    error
}

// gatherer puts payouts that come close together into one request, so that many of them cost a provider and us little more than one.
type gatherer struct {
	// send answers every payout of a batch.
	send func(context.Context, []*pending)

	mu      sync.Mutex
	waiting []*pending
	timed   bool      // a timer will send what waits
	last    time.Time // when something was sent last
}

// errGivenUp and errWithdrawn say that the caller's time was over: after the payout was sent, or before.
var (
	errGivenUp   = errors.New("no answer in time")
	errWithdrawn = errors.New("not sent in time")
)

// pay hands p in and waits for its answer, or until ctx ends.
func (g *gatherer) pay(ctx context.Context, p *pending) outcome {
	if ctx.Err() != nil {
		return outcome{err: errWithdrawn}
	}
	p.done = make(chan outcome, 1)
	p.until, _ = ctx.Deadline()
	g.mu.Lock()
	g.waiting = append(g.waiting, p)
	now := time.Now()
	wait := gatherFor - now.Sub(g.last)
	switch {
	case len(g.waiting) >= maxTogether || wait <= 0 && !g.timed:
		batch := g.take(now)
		g.mu.Unlock()
		g.flush(batch)
	default:
		if !g.timed {
			g.timed = true
			time.AfterFunc(wait, g.ring)
		}
		g.mu.Unlock()
	}
	select {
	case o := <-p.done:
		return o
	case <-ctx.Done():
		if g.withdraw(p) {
			return outcome{err: errWithdrawn}
		}
		return outcome{err: errGivenUp}
	}
}

// withdraw takes p back; false where it has been sent.
func (g *gatherer) withdraw(p *pending) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, p)
	if i < 0 {
		return false
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	return true
}

func (g *gatherer) ring() {
	g.mu.Lock()
	g.timed = false
	batch := g.take(time.Now())
	g.mu.Unlock()
	g.flush(batch)
}

// take is what waits now; the caller holds mu.
func (g *gatherer) take(now time.Time) []*pending {
	batch := g.waiting
	g.waiting, g.last = nil, now
	return batch
}

// flush sends a batch on its own time, which ends with that of the last of its callers.
func (g *gatherer) flush(batch []*pending) {
	if len(batch) == 0 {
		return
	}
	go func() {
		ctx, cancel := context.Background(), context.CancelFunc(func() {})
		if until := latest(batch); !until.IsZero() {
			ctx, cancel = context.WithDeadline(ctx, until)
		}
		defer cancel()
		g.send(ctx, batch)
	}()
}

// latest is when the last caller gives up; zero where one never does.
func latest(batch []*pending) time.Time {
	var t time.Time
	for _, p := range batch {
		if p.until.IsZero() {
			return time.Time{}
		}
		if p.until.After(t) {
			t = p.until
		}
	}
	return t
}
