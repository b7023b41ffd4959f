package settle

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
)

// The phases of a run, as reports name them.
var phases = map[string]string{
	StateClosing: "Netting", StateNetted: "Instructing", StateInstructed: "Delivering", StateSettled: "Settled", StateFailed: "Failed",
}

// reportOf makes the report of a closed window. It is a function of the record alone.
func (s *Settler) reportOf(rec ledger.Record) (plan.RunReport, error) {
	b, err := decodeWindow(rec)
	if err != nil {
		return plan.RunReport{}, err
	}
	r := plan.RunReport{
		Name: b.Run, Schedule: b.Schedule, Region: b.Region, Window: rec.Key, Phase: phases[rec.State], Message: b.Trouble,
		Opened: b.Opened, Completed: b.Completed, ValueDate: b.Terms.ValueDate, Payments: b.Payments, Currencies: b.Currencies, Breaks: b.Breaks,
	}
	if b.Closed != nil {
		r.Closed = *b.Closed
	}
	if rec.State == StateNetted && b.Trouble == "" && !b.Terms.InstructAt.IsZero() {
		r.Message = "instructs on its value date, from " + b.Terms.InstructAt.Format(time.RFC3339)
	}
	if rec.State == StateFailed {
		r.Message = "at least one instruction was rejected; what was accepted is booked"
	}
	for _, m := range b.Messages {
		i := plan.Instruction{MessageID: m.ID, Payer: m.Payer, Currency: m.Currency, Amount: m.Amount, Status: m.Status}
		if m.File != "" {
			i.File = s.files.path(m.File)
		}
		r.Instructions = append(r.Instructions, i)
	}
	return r, nil
}

// report hands a run's report on, unless it says what the last one of the window said.
func (s *Settler) report(rec ledger.Record) {
	if rec.State == StateOpen {
		return
	}
	r, err := s.reportOf(rec)
	if err != nil {
		s.opt.Log.Error(err, "run cannot be reported", "window", rec.Key)
		return
	}
	if s.news(rec.Key, r) {
		s.opt.OnReport(r)
	}
}

// news remembers the report of a window that is not final, and says whether it differs from the one before.
func (s *Settler) news(window string, r plan.RunReport) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Completed != nil {
		delete(s.reported, window)
		return true
	}
	if last, ok := s.reported[window]; ok && reflect.DeepEqual(last, r) {
		return false
	}
	s.reported[window] = r
	return true
}

// reportMonths is how far back Reports looks.
const reportMonths = 3

// Reports are the latest runs, the latest first, at most limit and none that closed more than two months before this one.
func (s *Settler) Reports(ctx context.Context, limit int) ([]plan.RunReport, error) {
	type closed struct {
		name string
		runBody
	}
	var runs []closed
	first := s.now().AddDate(0, 0, 1-s.now().Day())
	for back := 0; back < reportMonths && len(runs) < limit; back++ {
		q := ledger.RecordQuery{Kind: KindRun, Group: month(first.AddDate(0, -back, 0)), Limit: 1000}
		for {
			page, err := s.opt.Ledger.Records(ctx, q)
			if err != nil {
				return nil, fmt.Errorf("runs: %w", err)
			}
			for _, rec := range page {
				c := closed{name: rec.Key}
				if err := json.Unmarshal(rec.Body, &c.runBody); err != nil {
					return nil, fmt.Errorf("run %q: %w", rec.Key, err)
				}
				runs = append(runs, c)
				q.After = rec.Key
			}
			if len(page) < q.Limit {
				break
			}
		}
	}
	slices.SortFunc(runs, func(a, b closed) int {
		if c := b.Closed.Compare(a.Closed); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	reports := make([]plan.RunReport, 0, min(limit, len(runs)))
	for _, r := range runs[:min(limit, len(runs))] {
		rep, err := s.windowReport(ctx, r.Window)
		if err != nil {
			return nil, err
		}
		reports = append(reports, rep)
	}
	return reports, nil
}

// Report is the run of that name, or a ledger.NotFoundError.
func (s *Settler) Report(ctx context.Context, name string) (plan.RunReport, error) {
	r, err := s.run(ctx, name)
	if err != nil {
		return plan.RunReport{}, err
	}
	return s.windowReport(ctx, r.Window)
}

func (s *Settler) windowReport(ctx context.Context, window string) (plan.RunReport, error) {
	rec, err := s.opt.Ledger.Record(ctx, KindWindow, window)
	if err != nil {
		return plan.RunReport{}, err
	}
	return s.reportOf(rec)
}
