package settle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
)

// Assignment is where an obligation counts: transfers carry Window, and the commit that books them carries Require, so that it
// fails with a ledger.RequirementError when the window was closed meanwhile.
type Assignment struct {
	Window  string
	Require ledger.Require
}

// UnknownScheduleError says that the plan has no such schedule, so that nothing can settle by it.
type UnknownScheduleError struct{ Schedule string }

func (e *UnknownScheduleError) Error() string {
	return fmt.Sprintf("schedule %q is not in the plan", e.Schedule)
}

// Assigner tells routers which window is open. The window of the next cut-off follows from the schedule and the clock alone; the
// Assigner makes sure that its record exists, once per window, and remembers it. Safe for concurrent use.
type Assigner struct {
	ledger ledger.Ledger
	clock  func() time.Time

	mu      sync.Mutex
	regime  *regime
	current map[string]opened // by schedule

	opening chan struct{} // holds one token: one look-up or creation at a time
}

type opened struct {
	window string
	cutOff time.Time
}

// NewAssigner makes an Assigner with no schedules; Switch hands them in. A nil clock is time.Now.
func NewAssigner(l ledger.Ledger, clock func() time.Time) *Assigner {
	if clock == nil {
		clock = time.Now
	}
	return &Assigner{
		ledger: l, clock: clock, regime: &regime{}, current: map[string]opened{}, opening: make(chan struct{}, 1),
	}
}

// Switch takes over the schedules of r, all or none of them. Windows that were assigned before stay valid.
func (a *Assigner) Switch(r *plan.Region) error {
	next, err := newRegime(r)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.regime, a.current = next, map[string]opened{}
	return nil
}

// Assign returns the window in which an obligation booked now counts. It reads or writes the ledger only for the first
// assignment of a window; errors are an UnknownScheduleError or the ledger's.
func (a *Assigner) Assign(ctx context.Context, schedule string) (Assignment, error) {
	now := a.clock()
	if w, ok := a.known(schedule, now); ok {
		return assignment(w), nil
	}
	select {
	case a.opening <- struct{}{}:
		defer func() { <-a.opening }()
	case <-ctx.Done():
		return Assignment{}, ctx.Err()
	}
	if w, ok := a.known(schedule, now); ok {
		return assignment(w), nil
	}
	rec, err := a.open(ctx, schedule, now)
	if err != nil {
		return Assignment{}, fmt.Errorf("open window of schedule %q: %w", schedule, err)
	}
	_, cutOff, _, err := ParseWindowKey(rec)
	if err != nil {
		return Assignment{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current[schedule] = opened{window: rec, cutOff: cutOff}
	return assignment(rec), nil
}

// Refresh forgets the window, after a commit that required it failed because it was closed; the next Assign finds its successor.
func (a *Assigner) Refresh(_ context.Context, window string) {
	schedule, _, _, err := ParseWindowKey(window)
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current[schedule].window == window {
		delete(a.current, schedule)
	}
}

func assignment(window string) Assignment {
	return Assignment{Window: window, Require: ledger.Require{Kind: KindWindow, Key: window, States: []string{StateOpen}}}
}

func (a *Assigner) known(schedule string, now time.Time) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w, ok := a.current[schedule]
	return w.window, ok && now.Before(w.cutOff)
}

// open finds the open window of the next cut-off, and makes its record where there is none.
func (a *Assigner) open(ctx context.Context, name string, now time.Time) (string, error) {
	a.mu.Lock()
	r := a.regime
	a.mu.Unlock()
	s, ok := r.schedules[name]
	if !ok {
		return "", &UnknownScheduleError{Schedule: name}
	}
	cutOff, err := s.next(now)
	if err != nil {
		return "", err
	}
	for {
		key, rec, err := latest(ctx, a.ledger, name, cutOff)
		if err != nil {
			return "", err
		}
		if rec != nil {
			return key, nil
		}
		body := newBody(r, s, now, cutOff)
		put, err := body.put(key, 0, StateOpen, cutOff)
		if err != nil {
			return "", err
		}
		_, err = a.ledger.Apply(ctx, ledger.Commit{Puts: []ledger.Put{put}})
		var conflict *ledger.ConflictError
		switch {
		case err == nil:
			return key, nil
		case !errors.As(err, &conflict):
			return "", err
		}
	}
}

// latest is the open window of a cut-off with its record, or the key of the window to be opened next and no record.
func latest(ctx context.Context, l ledger.Ledger, schedule string, cutOff time.Time) (string, *ledger.Record, error) {
	for k := 1; ; k++ {
		key := WindowKey(schedule, cutOff, k)
		rec, err := l.Record(ctx, KindWindow, key)
		var missing *ledger.NotFoundError
		switch {
		case errors.As(err, &missing):
			return key, nil, nil
		case err != nil:
			return "", nil, err
		case rec.State == StateOpen:
			return key, &rec, nil
		}
	}
}
