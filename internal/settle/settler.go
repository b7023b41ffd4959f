package settle

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
)

// The settler looks for due windows this often when nothing wakes it, and waits this long at most before it tries a step again.
const (
	pollEvery  = time.Second
	maxBackoff = 5 * time.Minute
	dueLimit   = 500
)

// Options are what a Settler is made of; only Ledger is required.
type Options struct {
	Ledger ledger.Ledger
	// Clock: nil is time.Now.
	Clock   func() time.Time
	Log     logr.Logger
	Metrics prometheus.Registerer
	// Directory is below which instruction files are written, and nowhere else.
	Directory string
	// OnReport is called after each change of a run, by Run or RequestRun; it must not block.
	OnReport func(plan.RunReport)
	// Client reaches clearing systems; nil is one with a time-out of its own.
	Client *http.Client
}

// Settler closes windows at their cut-offs and settles them. Several may work on one ledger: each step is a compare-and-swap, so
// that one of them does it.
type Settler struct {
	opt     Options
	files   store
	regime  atomic.Pointer[regime]
	wake    chan struct{}
	metrics *metrics

	mu       sync.Mutex
	reported map[string]plan.RunReport // by window, the last of those under way
}

// New makes a Settler that closes nothing before its first Switch.
func New(o Options) *Settler {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.OnReport == nil {
		o.OnReport = func(plan.RunReport) {}
	}
	if o.Client == nil {
		o.Client = &http.Client{}
	}
	s := &Settler{
		opt: o, files: files{dir: o.Directory}, wake: make(chan struct{}, 1), metrics: newMetrics(o.Metrics), reported: map[string]plan.RunReport{},
	}
	s.regime.Store(&regime{})
	return s
}

// Switch takes over the schedules and participants of r, or none of them. What netted windows fixed stays as it is.
func (s *Settler) Switch(_ context.Context, r *plan.Region) error {
	next, err := newRegime(r)
	if err != nil {
		return err
	}
	s.regime.Store(next)
	s.nudge()
	return nil
}

func (s *Settler) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run settles until ctx ends, and returns nil then. Trouble is kept in the window that met it and tried again, never returned.
func (s *Settler) Run(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := s.Step(ctx); err != nil && ctx.Err() == nil {
			s.opt.Log.Error(err, "settlement waits for the ledger")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.wake:
		}
	}
}

// Step takes every due window as far as it goes now. It returns an error only where the due windows cannot be read; what one window
// meets is noted in that window.
func (s *Settler) Step(ctx context.Context) error {
	due, err := s.opt.Ledger.DueRecords(ctx, KindWindow, s.opt.Clock(), dueLimit)
	if err != nil {
		return fmt.Errorf("due windows: %w", err)
	}
	for _, rec := range due {
		s.drive(ctx, rec)
	}
	return nil
}

// drive takes one window through its states until it is final, waits, or meets trouble.
func (s *Settler) drive(ctx context.Context, rec ledger.Record) {
	for ctx.Err() == nil {
		next, err := s.advance(ctx, rec)
		if err != nil {
			s.trouble(ctx, rec, err)
			return
		}
		if next == nil {
			return
		}
		s.report(*next)
		if next.Due.IsZero() || next.Due.After(s.opt.Clock()) {
			return
		}
		rec = *next
	}
}

// advance does the one step that the window's state asks for. It returns the record after it, nil where there is nothing to do or
// another settler did it.
func (s *Settler) advance(ctx context.Context, rec ledger.Record) (*ledger.Record, error) {
	b, err := decodeWindow(rec)
	if err != nil {
		return nil, err
	}
	switch rec.State {
	case StateOpen:
		return s.closeDue(ctx, rec, b)
	case StateClosing:
		return s.net(ctx, rec, b)
	case StateNetted:
		return s.write(ctx, rec, b)
	case StateInstructed:
		return s.deliver(ctx, rec, b)
	}
	return nil, nil
}

// commit changes the window's record, and what else belongs to the change, in one commit.
func (s *Settler) commit(ctx context.Context, rec ledger.Record, b *windowBody, state string, due time.Time, with ledger.Commit) (*ledger.Record, error) {
	if state != rec.State {
		b.Attempts, b.Trouble = 0, ""
	}
	put, err := b.put(rec.Key, rec.Version, state, due)
	if err != nil {
		return nil, err
	}
	with.Puts = append(with.Puts, put)
	if _, err := s.opt.Ledger.Apply(ctx, with); err != nil {
		return nil, fmt.Errorf("window %q to %s: %w", rec.Key, state, err)
	}
	rec.Version++
	rec.State, rec.Due, rec.Body = state, due, put.Body
	return &rec, nil
}

// trouble notes what a step met, once for each new text, and when to try again. Where even that cannot be written, or another
// settler was there first, the window is found again by its old due time.
func (s *Settler) trouble(ctx context.Context, rec ledger.Record, met error) {
	if ctx.Err() != nil {
		return
	}
	if isConflict(met) {
		s.opt.Log.Info("window was changed by another settler", "window", rec.Key, "why", met.Error())
		return
	}
	s.metrics.failures.WithLabelValues(rec.State).Inc()
	s.opt.Log.Error(met, "settlement step failed", "window", rec.Key, "state", rec.State)
	b, err := decodeWindow(rec)
	if err != nil {
		return
	}
	b.Attempts++
	b.Trouble = met.Error()
	next, err := s.commit(ctx, rec, &b, rec.State, s.opt.Clock().Add(backoff(b.Attempts)), ledger.Commit{})
	if err != nil {
		if !isConflict(err) {
			s.opt.Log.Error(err, "trouble could not be noted", "window", rec.Key)
		}
		return
	}
	s.report(*next)
}

func backoff(attempts int) time.Duration {
	return min(time.Second<<min(attempts-1, 20), maxBackoff)
}

// now is the clock's time, in UTC and to the second, as messages and records carry it.
func (s *Settler) now() time.Time { return s.opt.Clock().UTC().Truncate(time.Second) }
