package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"qiantang.dev/rails/internal/ledger"
)

// errClosed is what callers of a closed ledger get, as an UnavailableError.
var errClosed = errors.New("the ledger is closed")

// Engine books commits through a Store. Apply is safe for concurrent use.
type Engine struct {
	store Store
	opt   Options
	queue chan *request
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once

	// failed is why the last group could not be written, nil once one was.
	failed atomic.Pointer[error]

	// owned by the loop
	state   *state
	pending []attempt
	spill   *request // taken from the queue, but too large for the last group
	flight  *flight  // the batch that is being written
	next    *ahead   // what gathers meanwhile
	// sweepDue: reserves are to be looked for once the batch under way has landed.
	sweepDue bool
}

type request struct {
	commit *ledger.Commit
	size   int
	// doubted: it failed on what was cached, so its IDs and records are to be looked up before it is told so.
	doubted bool
	// probe: nothing is booked, but the head is written, to see whether it can be.
	probe  bool
	result chan result
}

// New starts an Engine; Close stops it.
func New(store Store, opt Options) *Engine {
	opt = opt.withDefaults()
	e := &Engine{
		store: store, opt: opt, state: newState(opt.MaxCached),
		queue: make(chan *request, opt.MaxQueue), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go e.run()
	return e
}

// Apply books c; see ledger.Ledger.
func (e *Engine) Apply(ctx context.Context, c ledger.Commit) (ledger.Receipt, error) {
	if err := c.Validate(); err != nil {
		return ledger.Receipt{}, err
	}
	r := &request{commit: &c, size: len(c.Transfers) + len(c.Puts) + len(c.Accounts) + 1, result: make(chan result, 1)}
	return e.submit(ctx, r)
}

// Probe fails while the store cannot book. It writes only where the last write failed, to see whether the next would.
func (e *Engine) Probe(ctx context.Context) error {
	select {
	case <-e.stop:
		return &ledger.UnavailableError{Err: errClosed}
	default:
	}
	if e.failed.Load() == nil {
		return nil
	}
	_, err := e.submit(ctx, &request{commit: &ledger.Commit{}, size: 1, probe: true, result: make(chan result, 1)})
	return err
}

func (e *Engine) submit(ctx context.Context, r *request) (ledger.Receipt, error) {
	if err := e.enqueue(ctx, r); err != nil {
		return ledger.Receipt{}, err
	}
	select {
	case res := <-r.result:
		return res.receipt, res.err
	case <-ctx.Done():
		return ledger.Receipt{}, &ledger.UnavailableError{Err: fmt.Errorf("waiting for the commit, whose outcome is open: %w", ctx.Err())}
	case <-e.done:
		select {
		case res := <-r.result:
			return res.receipt, res.err
		default:
			return ledger.Receipt{}, &ledger.UnavailableError{Err: errClosed}
		}
	}
}

func (e *Engine) enqueue(ctx context.Context, r *request) error {
	select {
	case <-e.stop:
		return &ledger.UnavailableError{Err: errClosed}
	case e.queue <- r:
		return nil
	default:
	}
	wait := time.NewTimer(e.opt.MaxWait)
	defer wait.Stop()
	select {
	case e.queue <- r:
		return nil
	case <-e.stop:
		return &ledger.UnavailableError{Err: errClosed}
	case <-ctx.Done():
		return &ledger.UnavailableError{Err: ctx.Err()}
	case <-wait.C:
		return &ledger.UnavailableError{Err: fmt.Errorf("%d commits are waiting already", e.opt.MaxQueue)}
	}
}

// Close lets the batch under way finish and refuses what still waits. It may be called more than once.
func (e *Engine) Close() {
	e.once.Do(func() { close(e.stop) })
	<-e.done
}

func (e *Engine) run() {
	defer close(e.done)
	sweep, stopSweep := e.sweeper()
	defer stopSweep()
	for {
		if e.flight != nil {
			e.fly(sweep)
			continue
		}
		if e.spill != nil && !e.stopped() {
			e.begin(e.collect(nil))
			continue
		}
		select {
		case <-e.stop:
			e.refuse()
			return
		case first := <-e.queue:
			e.begin(e.collect(first))
		case <-sweep:
			e.sweep()
		}
	}
}

// fly waits for the batch in flight, and plans what comes meanwhile.
func (e *Engine) fly(sweep <-chan time.Time) {
	queue := e.queue
	if e.full(e.next) {
		queue = nil
	}
	select {
	case err := <-e.flight.done:
		e.land(e.flight, err)
	case r := <-queue:
		e.add(e.next, r)
	case <-sweep:
		e.sweepDue = true
	}
}

// collect takes first and what waits behind it, up to MaxBatch. It never waits for more: while one batch is being written the next one
// gathers.
func (e *Engine) collect(first *request) *ahead {
	a := e.gather()
	if first != nil {
		e.add(a, first)
	}
	for !e.full(a) {
		select {
		case r := <-e.queue:
			e.add(a, r)
		default:
			return a
		}
	}
	return a
}

func (r *request) refuse() { r.result <- result{err: &ledger.UnavailableError{Err: errClosed}} }

func (e *Engine) refuse() {
	if e.spill != nil {
		e.spill.refuse()
	}
	for {
		select {
		case r := <-e.queue:
			r.refuse()
		default:
			return
		}
	}
}

func (e *Engine) sweeper() (<-chan time.Time, func()) {
	if e.opt.SweepEvery < 0 {
		return nil, func() {}
	}
	t := time.NewTicker(e.opt.SweepEvery)
	return t.C, t.Stop
}
