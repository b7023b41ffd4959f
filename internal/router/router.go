package router

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/settle"
	"qiantang.dev/rails/pkg/client"
)

// Open makes the guarded handle of a provider; for a provider of reference rates, one that is an fx.Reference.
type Open = func(p plan.Provider, credentials map[string][]byte) (fx.Provider, error)

// Options are what a Router is made of. Ledger, Assigner and Open are required.
type Options struct {
	Ledger   ledger.Ledger
	Assigner *settle.Assigner
	Open     Open
	// Callback makes the handlers of providers' notifications; nil: none are taken.
	Callback Callback
	// Clock is time.Now where nil.
	Clock func() time.Time
	Log   logr.Logger
	// Metrics is where the router's metrics are registered; nil: nowhere.
	Metrics prometheus.Registerer
	// ID names this replica, the same after a restart (a pod's name): it takes its own work up again at once.
	ID string
	// MaxInFlight bounds the payments in memory; zero: 4,096.
	MaxInFlight int
	// Pace bounds how work is retried; the zero value is right for production.
	Pace Pace
}

// Pace is how long the router waits. Zero values are replaced by the defaults named.
type Pace struct {
	// Lease is how long a replica holds a payment without a sign of life: 30 s.
	Lease time.Duration
	// Sweep is how often the ledger is asked for due work: 500 ms.
	Sweep time.Duration
	// First and Most bound the wait between two looks at a payment, doubled each time: 50 ms and 30 s.
	First, Most time.Duration
	// Memory is the longest wait in memory; for longer ones the payment goes back to the ledger until it is due: 2 s.
	Memory time.Duration
	// Admit is how long a request may wait for a place in memory: 2 s.
	Admit time.Duration
	// Hook and HookMost bound the wait before an event is sent to a webhook again, doubled each time: 5 s and 1 h.
	Hook, HookMost time.Duration
	// HookKeep is for how long an event is tried: 3 days. HookTimeout bounds one attempt: 15 s.
	HookKeep, HookTimeout time.Duration
}

func (p *Pace) defaults() {
	for _, d := range []struct {
		v    *time.Duration
		zero time.Duration
	}{
		{&p.Lease, 30 * time.Second},
		{&p.Sweep, 500 * time.Millisecond},
		{&p.First, 50 * time.Millisecond},
		{&p.Most, 30 * time.Second},
		{&p.Memory, 2 * time.Second},
		{&p.Admit, 2 * time.Second},
		{&p.Hook, 5 * time.Second},
		{&p.HookMost, time.Hour},
		{&p.HookKeep, 72 * time.Hour},
		{&p.HookTimeout, 15 * time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.zero
		}
	}
}

// Router serves one region's corridors. It is safe for concurrent use.
type Router struct {
	ledger   ledger.Ledger
	assigner *settle.Assigner
	open     Open
	callback Callback
	clock    func() time.Time
	log      logr.Logger
	metrics  *metrics
	pace     Pace

	// name is the replica, holder this life of it.
	name, holder string

	snap      atomic.Pointer[snapshot]
	switching sync.Mutex

	// slots bounds the payments in memory; each holds one from its acceptance or claim until it leaves.
	slots chan struct{}

	mu sync.Mutex
	// running is Run's context; nil while it does not run. tasks counts what it must wait for.
	running context.Context
	tasks   sync.WaitGroup
	// rested hands work to a goroutine that has done some before.
	rested chan func()
	active map[uuid.UUID]*task
	// retired are handles of providers that the plan no longer has, for payments still with them.
	retired map[string]*provider

	feed     feed
	accounts *accountBook
	windows  sync.Map // settled windows

	// messages are the places of long ISO 20022 messages being read.
	messages chan struct{}

	// poked wakes the deliveries to webhooks.
	poked       chan struct{}
	hookClient  *http.Client
	hookMetrics hookMetrics
}

// New makes a Router; it is Ready after the first Switch, and works once Run does.
func New(o Options) *Router {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = 4096
	}
	if o.ID == "" {
		o.ID = "router"
	}
	o.Pace.defaults()
	if o.Log.GetSink() == nil {
		o.Log = logr.Discard()
	}
	return &Router{
		ledger: o.Ledger, assigner: o.Assigner, open: o.Open, callback: o.Callback, clock: o.Clock, log: o.Log, pace: o.Pace,
		metrics: newMetrics(o.Metrics), name: o.ID, holder: o.ID + "/" + uuid.NewString()[:8],
		slots: make(chan struct{}, o.MaxInFlight), rested: make(chan func()), active: map[uuid.UUID]*task{}, retired: map[string]*provider{},
		accounts: newAccountBook(), messages: make(chan struct{}, largeMessages), poked: make(chan struct{}, 1), hookClient: newHookClient(), hookMetrics: newHookMetrics(o.Metrics),
	}
}

// Switch takes over a plan: wholly or, with an error, not at all. Requests under way finish on the plan that they began with.
func (r *Router) Switch(_ context.Context, region *plan.Region, creds fx.Credentials) error {
	r.switching.Lock()
	defer r.switching.Unlock()
	before := r.snap.Load()
	s, err := compileSnapshot(region, creds, before, r.open)
	if err != nil {
		return fmt.Errorf("plan %s of region %s: %w", region.Revision, region.Name, err)
	}
	if err := r.openCallbacks(s, creds); err != nil {
		return fmt.Errorf("plan %s of region %s: %w", region.Revision, region.Name, err)
	}
	if err := r.assigner.Switch(region); err != nil {
		return fmt.Errorf("plan %s of region %s: %w", region.Revision, region.Name, err)
	}
	r.mu.Lock()
	if before != nil {
		for name, p := range before.providers {
			r.retired[name] = p
		}
	}
	for name := range s.providers {
		delete(r.retired, name)
	}
	r.mu.Unlock()
	r.snap.Store(s)
	for _, h := range s.hooks {
		if h.unsigned != nil {
			r.log.Error(h.unsigned, "webhook cannot be signed; its events wait", "webhook", h.Name, "credentials", h.Credentials, "key", h.Key)
		}
	}
	r.metrics.corridors.Set(float64(len(s.corridors)))
	r.log.Info("plan served", "revision", region.Revision, "corridors", len(s.corridors), "providers", len(s.providers))
	return nil
}

// Ready fails until there is a plan to serve.
func (r *Router) Ready() error {
	if r.snap.Load() == nil {
		return fmt.Errorf("no plan yet")
	}
	return nil
}

// InFlight counts the payments of each draining corridor that still need work.
func (r *Router) InFlight(ctx context.Context) (map[string]int64, error) {
	s := r.snap.Load()
	if s == nil {
		return nil, nil
	}
	counts := map[string]int64{}
	for _, name := range s.draining() {
		counts[name] = 0
		for _, kind := range []string{kindPayment, kindConversion} {
			states, err := r.ledger.CountRecords(ctx, kind, name)
			if err != nil {
				return nil, fmt.Errorf("%ss of corridor %s: %w", kind, name, err)
			}
			for state, n := range states {
				if working(State(state)) {
					counts[name] += n
				}
			}
		}
	}
	return counts, nil
}

// provider is the handle by name: the plan's, or one that the plan had before.
func (r *Router) provider(name string) *provider {
	if s := r.snap.Load(); s != nil {
		if p := s.providers[name]; p != nil {
			return p
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.retired[name]
}

// admit takes a place in memory, waiting a little; the problem says to come again.
func (r *Router) admit(ctx context.Context) *client.Problem {
	select {
	case r.slots <- struct{}{}:
		return nil
	default:
	}
	wait := time.NewTimer(r.pace.Admit)
	defer wait.Stop()
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
	case <-wait.C:
	}
	r.metrics.busy.Inc()
	return unavailable(codeBusy, fmt.Sprintf("%d payments are under way; send the same request again", cap(r.slots)), time.Second)
}

func (r *Router) release() { <-r.slots }
