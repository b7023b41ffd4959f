package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
)

// attempt is a write whose outcome is not known, because the connection was lost.
type attempt struct {
	no      uint64
	id      uuid.UUID
	results []result
}

// mode says how much a group's plan relies on what is cached.
type mode int

const (
	fast    mode = iota // plan from memory if possible, write if the head is still ours
	loading             // hold the head first
	careful             // hold the head, and look up every ID and record
)

// errDoubt asks for another try that looks up what failing commits took for new.
var errDoubt = errors.New("commits failed on what was not looked up")

// errAway ends the attempts: the store has not answered for MaxWait.
var errAway = errors.New("the store did not answer in time")

// Waits between tries double from the first: up to patience where the store lost a race (it is there, and another writer got on), up
// to a second where it is away. Each is cut at random, so that writers who met once do not meet again.
const (
	firstWait = 2 * time.Millisecond
	patience  = 16 * time.Millisecond
)

// book books a group by itself and answers its callers.
func (e *Engine) book(group []*request) {
	ctx, cancel := context.WithTimeout(context.Background(), e.opt.MaxWait)
	defer cancel()
	e.pending = e.pending[:0]
	results, err := e.attempts(ctx, nil, func(m mode) (work, error) { return e.workOn(group, m) })
	e.finish(group, results, err)
}

func (e *Engine) finish(group []*request, results []result, err error) {
	if err != nil {
		e.failed.Store(&err)
		for _, r := range group {
			r.result <- result{err: &ledger.UnavailableError{Err: err}}
		}
		return
	}
	e.failed.Store(nil)
	for i, r := range group {
		r.result <- results[i]
	}
}

// work is one try at a batch: what it needs, and how it is planned.
type work struct {
	need Need
	// plan fills p and returns what its callers get.
	plan func(p *plan) ([]result, error)
	// prepare, where set, runs while the head is held, before plan.
	prepare func(ctx context.Context, tx Tx) error
}

func (e *Engine) workOn(group []*request, m mode) (work, error) {
	return work{need: e.state.needs(group, m == careful), plan: func(p *plan) ([]result, error) {
		results := make([]result, len(group))
		var doubt error
		for i, r := range group {
			results[i] = p.commit(r.commit)
			p.force = p.force || r.probe
			if results[i].err != nil && m != careful && !r.doubted {
				r.doubted, doubt = true, errDoubt
			}
		}
		return results, doubt
	}}, nil
}

// attempts tries until the batch is durable or certainly refused, or ctx ends. An error leaves the outcome open unless it is a
// RefusedError. Failed is what a try before this came to, nil where there was none.
func (e *Engine) attempts(ctx context.Context, failed error, make func(mode) (work, error)) ([]result, error) {
	m, wait := fast, firstWait
	for {
		var results []result
		err := failed
		if failed = nil; err == nil {
			if results, err = e.attempt(ctx, m, make); err == nil {
				return results, nil
			}
		}
		var refused *RefusedError
		switch {
		case errors.Is(err, ErrMoved) && ctx.Err() == nil, errors.Is(err, errDoubt):
			m = max(m, loading)
			continue
		case errors.Is(err, ErrDuplicate) && m < careful:
			m = careful
			continue
		case errors.Is(err, ErrDuplicate):
			err = &RefusedError{fmt.Errorf("a unique key objects to what was looked up: %w", err)}
		}
		e.state.clear()
		if errors.As(err, &refused) && len(e.pending) == 0 {
			return nil, err
		}
		m = max(m, loading)
		if errors.Is(err, ErrRetry) {
			wait = min(wait, patience)
		}
		t := time.NewTimer(rand.N(wait) + 1)
		wait = min(2*wait, time.Second)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, fmt.Errorf("%w: %w", errAway, err)
		case <-e.stop:
			t.Stop()
			return nil, fmt.Errorf("%w: %w", errClosed, err)
		}
	}
}

// attempt is one try. While earlier tries are open it first finds out, holding the head, what became of them.
func (e *Engine) attempt(ctx context.Context, m mode, make func(mode) (work, error)) ([]result, error) {
	s := e.state
	w, err := make(m)
	if err != nil {
		return nil, err
	}
	var tx Tx
	if m != fast || !s.valid || !w.need.empty() || w.prepare != nil {
		if tx, err = e.store.Begin(ctx); err != nil {
			return nil, err
		}
		defer func() {
			if tx != nil {
				tx.Rollback()
			}
		}()
		if results, err := e.outcome(ctx, tx); results != nil || err != nil {
			return results, err
		}
		if err := e.read(ctx, tx, m, make, &w); err != nil {
			return nil, err
		}
	}
	p := newPlan(s, e.opt.Clock())
	results, err := w.plan(p)
	if err != nil {
		s.rollback(0)
		return nil, err
	}
	// An empty batch is written only to keep an open try from being committed after its callers were answered.
	if p.empty() && p.swept <= s.head.Swept && !p.force && len(e.pending) == 0 {
		s.rollback(0)
		s.planned()
		return results, nil
	}
	b, err := p.batch(e.opt.TailTarget)
	if err != nil {
		return nil, err
	}
	b.Next.Swept = max(b.Next.Swept, p.swept)
	if err := e.write(ctx, tx, b, results); err != nil {
		if errors.Is(err, ErrDuplicate) || errors.Is(err, ErrMoved) {
			s.rollback(0)
		}
		return nil, err
	}
	tx = nil
	s.confirm(b, s.advance(b))
	return results, nil
}

// read brings the state to the head that tx holds, and loads what the work needs.
func (e *Engine) read(ctx context.Context, tx Tx, m mode, make func(mode) (work, error), w *work) error {
	if err := e.state.catchUp(ctx, tx); err != nil {
		return err
	}
	again, err := make(m) // catching up may have forgotten what was cached
	if err != nil {
		return err
	}
	*w = again
	if !w.need.empty() {
		loaded, err := tx.Load(ctx, w.need)
		if err != nil {
			return err
		}
		e.state.take(loaded)
	}
	if w.prepare != nil {
		return w.prepare(ctx, tx)
	}
	return nil
}

func (e *Engine) write(ctx context.Context, tx Tx, b *Batch, results []result) error {
	var err error
	if tx != nil {
		err = tx.Write(ctx, b)
	} else {
		err = e.store.Write(ctx, b)
	}
	e.doubtful(err, b, results)
	return err
}

// outcome tells whether an earlier try was committed after all. Holding the head, none of them can still be under way: each would
// have to move the head that this transaction holds, and finds it moved or is found here the next time.
func (e *Engine) outcome(ctx context.Context, tx Tx) ([]result, error) {
	if len(e.pending) == 0 {
		return nil, nil
	}
	nos := make([]uint64, len(e.pending))
	for i := range e.pending {
		nos[i] = e.pending[i].no
	}
	ids, err := tx.Batches(ctx, nos)
	if err != nil {
		return nil, err
	}
	for i := range e.pending {
		if ids[e.pending[i].no] == e.pending[i].id {
			return e.pending[i].results, nil
		}
	}
	return nil, nil
}
