package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/plan"
)

// Worker is the engine as the agent sees it.
type Worker interface {
	// Switch serves r from now on, atomically; an error means that it goes on with what it had.
	Switch(ctx context.Context, r *plan.Region, credentials fx.Credentials) error
	// InFlight counts payments that are not yet final, for each draining corridor of the plan in use.
	InFlight(ctx context.Context) (map[string]int64, error)
	// RequestRun closes the schedule's open window now. Asked again by the same name, it does nothing.
	RequestRun(ctx context.Context, r plan.RunRequest) error
	// Reports are the latest settlement runs, under way and done.
	Reports(ctx context.Context) ([]plan.RunReport, error)
	// Ready says why the worker cannot work, nil where it can.
	Ready(ctx context.Context) error
	// Roles: router, settler.
	Roles() []string
	// Changed wakes the agent when InFlight or Reports have changed.
	Changed() <-chan struct{}
}

// The times that both sides count on.
const (
	// Heartbeat is how often the Lease is renewed when there is nothing new to say.
	Heartbeat = 10 * time.Second
	// LeaseDuration is for how long a worker counts as alive after its last renewal.
	LeaseDuration = 40 * time.Second
	// switchTimeout bounds the engine's Switch, so that the heartbeat goes on.
	switchTimeout = 20 * time.Second
	// retryAfter a failed write to the API server.
	retryAfter = time.Second
)

// Options of an Agent. Client, Namespace, Region, Institution, Pod and Worker are required.
type Options struct {
	Client kubernetes.Interface
	// Namespace is the region's, where the agent lives; Region and Institution say whose worker this is.
	Namespace, Region, Institution string
	// Pod names the worker; PodUID lets the Lease go when the pod goes.
	Pod, PodUID string
	Worker      Worker
	Clock       clock.WithTicker
	Log         logr.Logger
	// KeepFile is where the last acknowledged plan is kept, for a start while the API server is away; empty: nowhere. MountedCredentials is
	// the folder from which the region's credentials are read then.
	KeepFile, MountedCredentials string
}

// Agent connects one Worker to its region's namespace.
type Agent struct {
	Options
	watch *watch
	lease *lease
	runs  *runs
	kept  kept

	// What the engine serves, as far as the agent knows; only the loop touches them.
	served    *plan.Region
	secretRV  string
	refused   string
	reason    string
	refusedRV string
}

// New makes an agent; nothing happens before Run.
func New(o Options) (*Agent, error) {
	for name, value := range map[string]string{"Namespace": o.Namespace, "Region": o.Region, "Institution": o.Institution, "Pod": o.Pod} {
		if value == "" {
			return nil, fmt.Errorf("agent: %s is empty", name)
		}
	}
	if o.Client == nil || o.Worker == nil {
		return nil, fmt.Errorf("agent: Client and Worker are needed")
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	a := &Agent{Options: o, kept: kept{file: o.KeepFile, credentials: o.MountedCredentials}}
	a.watch = newWatch(o)
	a.lease = newLease(o)
	a.runs = newRuns(o, a.watch, a.lease)
	return a, nil
}

// Run works until ctx ends. It returns an error only where it cannot begin: an API server that is away is waited for.
func (a *Agent) Run(ctx context.Context) error {
	stop, err := a.watch.start(ctx)
	if err != nil {
		return fmt.Errorf("agent of region %s: %w", a.Region, err)
	}
	defer stop()
	if !a.synced(ctx) {
		return nil
	}
	beat := a.Clock.NewTicker(Heartbeat)
	defer beat.Stop()
	for renew := true; ; {
		var retry <-chan time.Time
		if err := a.step(ctx, renew); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			a.Log.Error(err, "cannot report to the region's API server; trying again", "region", a.Region)
			retry = a.Clock.After(retryAfter)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C():
			renew = true
		case <-retry:
			renew = true
		case <-a.watch.wake:
			renew = false
		case <-a.Worker.Changed():
			renew = false
		}
	}
}

// synced waits until what is in the namespace is known; false, where ctx ends first. While the API server is away, what was kept is served.
func (a *Agent) synced(ctx context.Context) bool {
	known := make(chan bool, 1)
	go func() { known <- a.watch.synced(ctx) }()
	timer := a.Clock.NewTimer(patience)
	defer timer.Stop()
	select {
	case ok := <-known:
		return ok
	case <-timer.C():
	}
	a.takeKept(ctx)
	return <-known
}

// step does once what there is to do: take what is new, then say what is so. renew writes the Lease even when nothing has changed.
func (a *Agent) step(ctx context.Context, renew bool) error {
	a.takePlan(ctx, renew)
	runsErr := a.runs.step(ctx)
	leaseErr := a.lease.write(ctx, a.ack(ctx), a.runs.reported, renew)
	if leaseErr != nil {
		return leaseErr
	}
	if a.served == nil || !renew && a.served.Revision == a.kept.revision {
		return runsErr // Nothing of this was just told to the API server.
	}
	if err := a.kept.save(a.served, a.Clock.Now()); err != nil {
		a.Log.Error(err, "the plan cannot be kept for a start while the API server is away")
	}
	return runsErr
}

// ack says what is served. A corridor whose payments cannot be counted has -1 of them: not known, so not drained.
func (a *Agent) ack(ctx context.Context) plan.Ack {
	ack := plan.Ack{Worker: a.Pod, Roles: a.Worker.Roles(), Refused: a.refused, Reason: a.reason}
	if a.served == nil {
		return ack
	}
	ack.Revision = a.served.Revision
	if err := a.Worker.Ready(ctx); err != nil {
		ack.Trouble = err.Error()
	}
	var counts map[string]int64
	asked := false
	for _, c := range a.served.Corridors {
		if !c.Draining {
			continue
		}
		if !asked {
			asked = true
			var err error
			if counts, err = a.Worker.InFlight(ctx); err != nil {
				a.Log.Error(err, "cannot count payments in flight")
				counts = nil
			}
			ack.InFlight = map[string]int64{}
		}
		ack.InFlight[c.Name] = -1
		if counts != nil {
			ack.InFlight[c.Name] = counts[c.Name]
		}
	}
	return ack
}
