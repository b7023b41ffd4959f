package envtesting

import (
	"context"
	"errors"
	"sync"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/plan"
)

// Engine plays the worker's engine: it serves what it is given, and does what a test tells it to.
type Engine struct {
	mu          sync.Mutex
	roles       []string
	served      []*plan.Region
	credentials fx.Credentials
	refuse      error
	inFlight    map[string]int64
	reports     map[string]plan.RunReport
	changed     chan struct{}
}

// NewEngine makes an engine with both roles, unless others are given.
func NewEngine(roles ...string) *Engine {
	if len(roles) == 0 {
		roles = []string{"router", "settler"}
	}
	return &Engine{roles: roles, inFlight: map[string]int64{}, reports: map[string]plan.RunReport{}, changed: make(chan struct{}, 1)}
}

// Switch serves r, or refuses it.
func (e *Engine) Switch(_ context.Context, r *plan.Region, c fx.Credentials) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuse != nil {
		return e.refuse
	}
	e.served, e.credentials = append(e.served, r), c
	return nil
}

// InFlight gives what SetInFlight set.
func (e *Engine) InFlight(context.Context) (map[string]int64, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[string]int64{}
	for k, n := range e.inFlight {
		if n < 0 {
			return nil, errors.New("the ledger does not answer")
		}
		out[k] = n
	}
	return out, nil
}

// RequestRun settles at once.
func (e *Engine) RequestRun(_ context.Context, r plan.RunRequest) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.Schedule == "busy" {
		return errors.New("another run is under way")
	}
	if _, done := e.reports[r.Name]; !done {
		e.reports[r.Name] = Settled(r.Name, r.Schedule)
	}
	e.wake()
	return nil
}

// Settled is the report of a run that went well.
func Settled(name, schedule string) plan.RunReport {
	now := time.Now().UTC()
	return plan.RunReport{
		Name: name, Schedule: schedule, Window: schedule + "@2026-11-23T09:00:00Z#0", Phase: "Settled", Opened: now.Add(-time.Hour), Closed: now,
		Completed: &now, ValueDate: "2026-11-24", Payments: 1000,
		Currencies:   []plan.CurrencySum{{Currency: "CNY", Gross: "1000.00", Net: "250.00", EfficiencyBps: 7500}},
		Instructions: []plan.Instruction{{MessageID: "M1", Payer: "pingpong", Currency: "CNY", Amount: "250.00", File: "out/M1.xml", Status: "Accepted"}},
	}
}

// Reports gives all runs.
func (e *Engine) Reports(context.Context) ([]plan.RunReport, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []plan.RunReport
	for _, r := range e.reports {
		out = append(out, r)
	}
	return out, nil
}

// Ready says nothing against working.
func (e *Engine) Ready(context.Context) error { return nil }

// Roles are as made.
func (e *Engine) Roles() []string { return e.roles }

// Changed wakes the agent.
func (e *Engine) Changed() <-chan struct{} { return e.changed }

func (e *Engine) wake() {
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

// Refuse makes Switch fail with err; nil lets it take plans again.
func (e *Engine) Refuse(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refuse = err
	e.wake()
}

// SetInFlight sets a corridor's payments under way; less than zero: they cannot be counted.
func (e *Engine) SetInFlight(corridor string, n int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inFlight[corridor] = n
	e.wake()
}

// Report makes the settler report a run that nobody asked for.
func (e *Engine) Report(r plan.RunReport) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reports[r.Name] = r
	e.wake()
}

// Served are all plans that were taken, oldest first.
func (e *Engine) Served() []*plan.Region {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]*plan.Region(nil), e.served...)
}

// Serving is the plan in use; nil before the first.
func (e *Engine) Serving() *plan.Region {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.served) == 0 {
		return nil
	}
	return e.served[len(e.served)-1]
}

// Credentials are those of the last Switch.
func (e *Engine) Credentials() fx.Credentials {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.credentials
}
