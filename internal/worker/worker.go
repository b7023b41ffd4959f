package worker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"qiantang.dev/rails/internal/access"
	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/adapters"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/audit"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/router"
	"qiantang.dev/rails/internal/settle"
)

// The roles that a worker may have.
const (
	RoleRouter  = "router"
	RoleSettler = "settler"
)

// Options say what a worker is made of.
type Options struct {
	// ID names this worker among its peers: the pod's name.
	ID string
	// Institution and Region are whose plans it takes; a plan for another is refused. Empty: any.
	Institution, Region string
	// Roles, at least one.
	Roles []string
	// Ledger is the books; the worker does not close it.
	Ledger ledger.Ledger
	// Directory is where settlement files go.
	Directory string
	Clock     func() time.Time
	Log       logr.Logger
	// Tokens reviews tokens of ServiceAccounts; nil: plans that want it are refused.
	Tokens access.TokenReviewer
	// Version is shown in /openapi.json.
	Version string
}

// Worker is a running engine. Create it with New, drive it with Run, feed it plans with Switch.
type Worker struct {
	opt       Options
	metrics   *prometheus.Registry
	router    *router.Router
	settler   *settle.Settler
	guard     *access.Guard
	keeper    *audit.Keeper // nil: none
	handler   http.Handler
	served    atomic.Pointer[plan.Region]
	changed   chan struct{}
	switching sync.Mutex
	// headroom is never touched and so is no resident memory, but the collector counts it. With gcPercent of it and of what lives,
	// 32 MiB of garbage may gather at the least: a worker's live heap can be so small that it would be marked many times a second. From
	// 64 MiB of live heap on there is less garbage than Go's own setting lets gather.
	headroom []byte
}

const (
	headroom  = 64 << 20
	gcPercent = 50
)

// New makes a worker that serves nothing yet.
func New(opt Options) (*Worker, error) {
	if len(opt.Roles) == 0 {
		return nil, errors.New("worker: no role")
	}
	for _, r := range opt.Roles {
		if r != RoleRouter && r != RoleSettler {
			return nil, fmt.Errorf("worker: role %q: want router or settler", r)
		}
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if os.Getenv("GOGC") == "" { // else whoever runs it knows better
		debug.SetGCPercent(gcPercent)
	}
	w := &Worker{opt: opt, metrics: prometheus.NewRegistry(), changed: make(chan struct{}, 1), headroom: make([]byte, headroom)}
	w.metrics.MustRegister(processCollectors()...)
	client := &http.Client{Transport: transport()}
	assigner := settle.NewAssigner(opt.Ledger, opt.Clock)
	if slices.Contains(opt.Roles, RoleRouter) {
		providers, err := fx.NewMetrics(w.metrics)
		if err != nil {
			return nil, fmt.Errorf("worker: %w", err)
		}
		w.router = router.New(router.Options{
			Ledger: opt.Ledger, Assigner: assigner, Clock: opt.Clock, Log: opt.Log.WithName("router"), Metrics: w.metrics, ID: opt.ID,
			Open: adapters.Guarded(client, providers, opt.Clock), Callback: adapters.Webhook,
		})
	}
	if slices.Contains(opt.Roles, RoleSettler) {
		w.settler = settle.New(settle.Options{
			Ledger: opt.Ledger, Clock: opt.Clock, Log: opt.Log.WithName("settler"), Metrics: w.metrics,
			Directory: filepath.Join(opt.Directory, "settlement"), Client: client, OnReport: func(plan.RunReport) { w.wake() },
		})
	}
	var err error
	if w.guard, err = access.New(access.Options{Clock: opt.Clock, Log: opt.Log.WithName("access"), Metrics: w.metrics, Tokens: opt.Tokens}); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	w.keeper = w.newKeeper()
	if w.handler, err = w.newHandler(); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	return w, nil
}

// Roles of this worker.
func (w *Worker) Roles() []string { return w.opt.Roles }

// Handler serves the API, its description, health and metrics.
func (w *Worker) Handler() http.Handler { return w.handler }

// Changed receives when there is news for whoever speaks for this worker: a settlement report, or a drained corridor.
func (w *Worker) Changed() <-chan struct{} { return w.changed }

func (w *Worker) wake() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// Switch makes every role serve r, or none: on an error the last plan stays.
func (w *Worker) Switch(ctx context.Context, r *plan.Region, creds fx.Credentials) error {
	w.switching.Lock()
	defer w.switching.Unlock()
	if w.opt.Region != "" && (r.Name != w.opt.Region || r.Institution != w.opt.Institution) {
		return fmt.Errorf("plan is for %s/%s, this worker for %s/%s", r.Institution, r.Name, w.opt.Institution, w.opt.Region)
	}
	policy, err := w.guard.Prepare(ctx, r, creds[plan.APIMaterial])
	if err != nil {
		return err
	}
	signer, every, err := w.signer(r, creds)
	if err != nil {
		return err
	}
	last := w.served.Load()
	if w.settler != nil {
		if err := w.settler.Switch(ctx, r); err != nil {
			return fmt.Errorf("settler: %w", err)
		}
	}
	if w.router != nil {
		if err := w.router.Switch(ctx, r, creds); err != nil {
			if w.settler != nil && last != nil {
				err = errors.Join(err, w.settler.Switch(ctx, last))
			}
			return fmt.Errorf("router: %w", err)
		}
	}
	w.guard.Use(policy)
	if w.keeper != nil {
		w.keeper.Use(signer, every)
	}
	w.served.Store(r)
	w.opt.Log.Info("serving", "revision", r.Revision, "corridors", len(r.Corridors))
	if len(r.Corridors) >= manyCorridors {
		go debug.FreeOSMemory()
	}
	return nil
}

// manyCorridors make a plan of which reading and compiling leave more behind than is kept: that is given back at once, or the worker stays
// as large as it was then.
const manyCorridors = 1000

// InFlight counts payments that are not final, per draining corridor.
func (w *Worker) InFlight(ctx context.Context) (map[string]int64, error) {
	if w.router == nil {
		return nil, nil
	}
	return w.router.InFlight(ctx)
}

// RequestRun asks the settler to close a schedule's window now. Workers without that role leave it to those that have it.
func (w *Worker) RequestRun(ctx context.Context, r plan.RunRequest) error {
	if w.settler == nil {
		return nil
	}
	return w.settler.RequestRun(ctx, r)
}

// reportsShown bounds how many runs are reported upwards: those of the last weeks.
const reportsShown = 100

// Reports are the latest settlement runs, where this worker settles.
func (w *Worker) Reports(ctx context.Context) ([]plan.RunReport, error) {
	if w.settler == nil {
		return nil, nil
	}
	return w.settler.Reports(ctx, reportsShown)
}

// Run drives what is under way until ctx ends: payments to follow, windows to close.
func (w *Worker) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var runs []func(context.Context) error
	if w.router != nil {
		runs = append(runs, w.router.Run)
	}
	if w.settler != nil {
		runs = append(runs, w.settler.Run)
	}
	if w.keeper != nil {
		runs = append(runs, w.keeper.Run)
	}
	errs := make(chan error, len(runs))
	for _, run := range runs {
		go func() { errs <- run(ctx) }()
	}
	var first error
	for range runs {
		if err := <-errs; err != nil && !errors.Is(err, context.Canceled) && first == nil {
			first = err
		}
		cancel()
	}
	return first
}
