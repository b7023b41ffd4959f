package settle

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
)

// runBody leads from a run's name to its window.
type runBody struct {
	Window   string    `json:"window"`
	Schedule string    `json:"schedule"`
	Closed   time.Time `json:"closed"`
}

func isConflict(err error) bool {
	var c *ledger.ConflictError
	return errors.As(err, &c)
}

func isMissing(err error) bool {
	var n *ledger.NotFoundError
	return errors.As(err, &n)
}

// ScheduledRun names the run of a window that its cut-off closed: the same from every worker, a DNS label, told apart by region.
func ScheduledRun(region, window string) (string, error) {
	schedule, cutOff, k, err := ParseWindowKey(window)
	if err != nil {
		return "", err
	}
	const labelMax = 63
	tail := fmt.Sprintf("-%s-%d", strings.ToLower(cutOff.Format("20060102t1504z")), k)
	head := schedule + "-" + region
	if len(head)+len(tail) > labelMax {
		sum := digest("run", schedule, region)
		h := "-" + hex.EncodeToString(sum[:4])
		head = strings.TrimRight(head[:labelMax-len(tail)-len(h)], "-.") + h
	}
	return head + tail, nil
}

// closeDue closes a window whose cut-off has come, unless its schedule is paused.
func (s *Settler) closeDue(ctx context.Context, rec ledger.Record, b windowBody) (*ledger.Record, error) {
	if sch, ok := s.regime.Load().schedules[b.Schedule]; ok && sch.Paused {
		return nil, nil
	}
	name, err := ScheduledRun(b.Region, rec.Key)
	if err != nil {
		return nil, err
	}
	// A run asked for by hand may have taken the name for another window.
	if known, err := s.run(ctx, name); err == nil && known.Window != rec.Key {
		sum := digest("run", rec.Key)
		name = "run-" + hex.EncodeToString(sum[:16])
	} else if err != nil && !isMissing(err) {
		return nil, err
	}
	return s.close(ctx, rec, b, name)
}

// close ends a window's taking of obligations, and writes down which run it belongs to. The terms are those of the schedule now.
func (s *Settler) close(ctx context.Context, rec ledger.Record, b windowBody, run string) (*ledger.Record, error) {
	now := s.now()
	g := s.regime.Load()
	if sch, ok := g.schedules[b.Schedule]; ok {
		at := b.CutOff
		if now.Before(at) {
			at = now
		}
		b.Terms = sch.terms(at)
	}
	b.Run, b.Closed = run, &now
	body, err := json.Marshal(runBody{Window: rec.Key, Schedule: b.Schedule, Closed: now})
	if err != nil {
		return nil, err
	}
	return s.commit(ctx, rec, &b, StateClosing, now, ledger.Commit{Puts: []ledger.Put{
		{Kind: KindRun, Key: run, State: "closed", Group: month(now), Body: body},
	}})
}

// month groups runs so that the latest are found without reading all.
func month(t time.Time) string { return t.UTC().Format("2006-01") }

// closeAttempts bounds how often RequestRun meets another change of the same window.
const closeAttempts = 16

// RequestRun closes the schedule's open window now, for the run of that name, and returns when that is durable; settling goes on in
// Run. The same name again changes nothing. Errors: an UnknownScheduleError, a ledger.ConflictError where the name was used for
// another schedule, or the ledger's.
func (s *Settler) RequestRun(ctx context.Context, req plan.RunRequest) error {
	if req.Name == "" || len(req.Name) > 160 {
		return &ledger.InvalidError{Field: "name", Value: req.Name, Why: "want 1 to 160 characters"}
	}
	var err error
	for range closeAttempts {
		if err = s.requestRun(ctx, req); !isConflict(err) {
			break
		}
		// Conflicts that stay are the name's own.
		if known, used := s.run(ctx, req.Name); used == nil && known.Schedule != req.Schedule {
			break
		}
	}
	if err == nil {
		s.nudge()
	}
	return err
}

func (s *Settler) requestRun(ctx context.Context, req plan.RunRequest) error {
	known, err := s.run(ctx, req.Name)
	switch {
	case err == nil && known.Schedule == req.Schedule:
		return nil
	case err == nil:
		return &ledger.ConflictError{What: "run", ID: req.Name, Why: fmt.Sprintf("is one of schedule %q, not %q", known.Schedule, req.Schedule)}
	case !isMissing(err):
		return err
	}
	g := s.regime.Load()
	sch, ok := g.schedules[req.Schedule]
	if !ok {
		return &UnknownScheduleError{Schedule: req.Schedule}
	}
	now := s.opt.Clock()
	cutOff, err := sch.next(now)
	if err != nil {
		return err
	}
	key, rec, err := latest(ctx, s.opt.Ledger, req.Schedule, cutOff)
	if err != nil {
		return err
	}
	body := newBody(g, sch, now, cutOff)
	if rec == nil {
		rec = &ledger.Record{Kind: KindWindow, Key: key}
	} else if body, err = decodeWindow(*rec); err != nil {
		return err
	}
	next, err := s.close(ctx, *rec, body, req.Name)
	if err == nil {
		s.report(*next)
	}
	return err
}

// run looks up a run by its name.
func (s *Settler) run(ctx context.Context, name string) (runBody, error) {
	rec, err := s.opt.Ledger.Record(ctx, KindRun, name)
	if err != nil {
		return runBody{}, err
	}
	var b runBody
	if err := json.Unmarshal(rec.Body, &b); err != nil {
		return runBody{}, fmt.Errorf("run %q: %w", name, err)
	}
	return b, nil
}
