package engine

import (
	"context"
	"errors"
	"time"
)

// flight is a batch that is being written, while the next one is planned on top of it.
type flight struct {
	ctx     context.Context
	cancel  context.CancelFunc
	group   []*request
	results []result
	batch   *Batch
	step    *step
	done    chan error
}

// ahead is a group that gathers while a batch is in flight. Each request is planned as it comes, in the time that the store takes.
type ahead struct {
	group   []*request
	results []result
	size    int
	plan    *plan // nil before the first request
	// alone: something cannot be planned from memory, so that the group is booked by itself.
	alone bool
}

// staleness is how long before a request its group may have been begun, whose booking time it gets.
const staleness = 100 * time.Millisecond

// gather begins a group on the state as it stands.
func (e *Engine) gather() *ahead {
	a := &ahead{alone: !e.state.valid}
	if r := e.spill; r != nil {
		e.spill = nil
		e.add(a, r)
	}
	return a
}

// full says that no more is to be taken from the queue.
func (e *Engine) full(a *ahead) bool { return a.size >= e.opt.MaxBatch || e.spill != nil }

// add takes a request into the group, unless it does not fit: then it waits for the next.
func (e *Engine) add(a *ahead, r *request) {
	if len(a.group) > 0 && a.size+r.size > e.opt.MaxBatch {
		e.spill = r
		return
	}
	a.group, a.size = append(a.group, r), a.size+r.size
	if a.alone {
		return
	}
	if r.doubted || r.probe || !e.state.ready(r.commit) {
		e.drop(a)
		return
	}
	now := e.opt.Clock()
	if a.plan == nil {
		a.plan = newPlan(e.state, now)
	}
	if now.Sub(a.plan.booked) > staleness {
		e.drop(a)
		return
	}
	res := a.plan.commit(r.commit)
	if res.err != nil { // on what was not looked up
		r.doubted = true
		e.drop(a)
		return
	}
	a.results = append(a.results, res)
}

// drop gives up the group's plan.
func (e *Engine) drop(a *ahead) {
	if a.plan != nil {
		e.state.rollback(0)
	}
	a.plan, a.alone = nil, true
}

// begin books a group that gathered on what the store has.
func (e *Engine) begin(a *ahead) {
	if len(a.group) == 0 {
		return
	}
	f := e.launch(a)
	if f == nil {
		e.drop(a)
		e.book(a.group)
		return
	}
	e.flight, e.next = f, e.gather()
}

// launch starts writing the group's batch; nil where it has to be booked by itself.
func (e *Engine) launch(a *ahead) *flight {
	if a.alone || a.plan.empty() {
		return nil
	}
	b, err := a.plan.batch(e.opt.TailTarget)
	if err != nil {
		return nil
	}
	f := &flight{group: a.group, results: a.results, batch: b, step: e.state.advance(b), done: make(chan error, 1)}
	f.ctx, f.cancel = context.WithTimeout(context.Background(), e.opt.MaxWait)
	go func() { f.done <- e.store.Write(f.ctx, b) }()
	return f
}

// land ends a flight and begins the next.
func (e *Engine) land(f *flight, err error) {
	defer f.cancel()
	next := e.next
	e.flight, e.next = nil, nil
	if err != nil {
		e.drop(next)
		e.state.retreat(f.batch, f.step)
		e.resume(f, err)
		e.again(next)
		return
	}
	e.failed.Store(nil)
	if next.alone || e.sweepDue || e.stopped() {
		e.drop(next)
		e.state.confirm(f.batch, f.step)
		f.answer()
		e.again(next)
		return
	}
	e.state.confirm(f.batch, f.step)
	e.begin(next) // before the answers, so that they are given while it is written
	f.answer()
}

func (f *flight) answer() {
	for i, r := range f.group {
		r.result <- f.results[i]
	}
}

// again books a group whose plan was given up, after what was put off for it.
func (e *Engine) again(a *ahead) {
	if e.stopped() {
		for _, r := range a.group {
			r.refuse()
		}
		return
	}
	if e.sweepDue {
		e.sweepDue = false
		e.sweep()
	}
	if len(a.group) > 0 {
		e.book(a.group)
	}
}

func (e *Engine) stopped() bool {
	select {
	case <-e.stop:
		return true
	default:
		return false
	}
}

// resume books a group whose batch was planned from memory and could not be written, or whose write's outcome is open.
func (e *Engine) resume(f *flight, err error) {
	e.pending = e.pending[:0]
	e.doubtful(err, f.batch, f.results)
	results, err := e.attempts(f.ctx, err, func(m mode) (work, error) { return e.workOn(f.group, m) })
	e.finish(f.group, results, err)
}

// doubtful keeps in mind a batch that may have been written although it failed.
func (e *Engine) doubtful(err error, b *Batch, results []result) {
	var refused *RefusedError
	if err != nil && !errors.Is(err, ErrMoved) && !errors.Is(err, ErrDuplicate) && !errors.Is(err, ErrRetry) &&
		!errors.Is(err, ErrAway) && !errors.As(err, &refused) {
		e.pending = append(e.pending, attempt{no: b.Next.Batch, id: b.ID, results: results})
	}
}
