package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
)

// ErrNotConnected is returned for a region whose cluster cannot be reached now. Whoever gets it will be woken when it can.
var ErrNotConnected = errors.New("not connected")

// Key names a region of an institution.
type Key struct{ Institution, Region string }

func (k Key) String() string { return k.Institution + "/" + k.Region }

// Options of a Fleet. Local, Wake and Log are required.
type Options struct {
	// Local leads to the operator's own cluster.
	Local *rest.Config
	// Wake is called when something about an institution's regions has changed. It must not block.
	Wake func(institution string)
	Log  logr.Logger
	// Metrics are registered here; nil: nowhere.
	Metrics prometheus.Registerer
	Clock   clock.WithTicker
	// ProbeInterval and ProbeFailures in a row make a region unreachable (10s and 3 when zero).
	ProbeInterval time.Duration
	ProbeFailures int
}

// Fleet owns the connections to all regions. It is a manager.Runnable.
type Fleet struct {
	Options
	scheme  *runtime.Scheme
	mapper  meta.RESTMapper
	metrics *metrics

	mu          sync.Mutex
	started     chan struct{}
	ctx         context.Context // Start's: the connections live as long
	regions     map[Key]*Region
	connections map[string]*connection
	done        sync.WaitGroup
}

// New makes a Fleet, which connects to nothing before Start.
func New(o Options) (*Fleet, error) {
	if o.Local == nil || o.Wake == nil {
		return nil, fmt.Errorf("fleet: Local and Wake are needed")
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.ProbeInterval == 0 {
		o.ProbeInterval = 10 * time.Second
	}
	if o.ProbeFailures == 0 {
		o.ProbeFailures = 3
	}
	scheme, err := newScheme()
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	return &Fleet{
		Options: o, scheme: scheme, mapper: newMapper(), metrics: newMetrics(o.Metrics), started: make(chan struct{}),
		regions: map[Key]*Region{}, connections: map[string]*connection{},
	}, nil
}

// Start runs the connections until ctx ends, and then waits for all of them.
func (f *Fleet) Start(ctx context.Context) error {
	f.mu.Lock()
	f.ctx = ctx
	close(f.started)
	f.mu.Unlock()
	tick := f.Clock.NewTicker(leaseCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			f.mu.Lock()
			for _, c := range f.connections {
				c.cancel()
			}
			f.mu.Unlock()
			f.done.Wait()
			return nil
		case <-tick.C():
			f.checkLeases(ctx)
		}
	}
}

// Region gives the handle of a region at target, connecting in the background when it is new. When the target has changed, the old
// connection is used until the new one stands. The error says that target cannot be used at all.
func (f *Fleet) Region(ctx context.Context, key Key, target Target) (*Region, error) {
	select {
	case <-f.started:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	cfg, id := f.Local, localID
	if target.Kubeconfig != nil {
		var err error
		if cfg, err = restConfig(target.Kubeconfig); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(target.Kubeconfig)
		id = hex.EncodeToString(sum[:]) + "/" + target.Namespace
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx.Err() != nil {
		return nil, f.ctx.Err()
	}
	r := f.regions[key]
	if r == nil {
		r = &Region{key: key, fleet: f}
		f.regions[key] = r
	}
	c := f.connections[id]
	if c == nil {
		namespace := ""
		if id != localID {
			namespace = target.Namespace
		}
		c = f.connect(id, namespace, cfg)
	}
	r.use(c, target.Namespace)
	f.sweep()
	return r, nil
}

// Forget drops a region, and its connection when no other uses it.
func (f *Fleet) Forget(key Key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.regions, key)
	f.metrics.forget(key)
	f.sweep()
}

// sweep ends connections that no region uses.
func (f *Fleet) sweep() {
	used := map[*connection]bool{}
	for _, r := range f.regions {
		for _, c := range r.connections() {
			used[c] = true
		}
	}
	for id, c := range f.connections {
		if !used[c] {
			delete(f.connections, id)
			c.cancel()
		}
	}
}

// wakeUsers wakes all institutions with a region on c.
func (f *Fleet) wakeUsers(c *connection) {
	institutions := map[string]bool{}
	f.mu.Lock()
	for key, r := range f.regions {
		for _, used := range r.connections() {
			if used == c {
				institutions[key.Institution] = true
			}
		}
	}
	f.mu.Unlock()
	for i := range institutions {
		f.Wake(i)
	}
}

func (f *Fleet) all() []*Region {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]*Region, 0, len(f.regions))
	for _, r := range f.regions {
		out = append(out, r)
	}
	return out
}

// knows says whether any region of the institution is held.
func (f *Fleet) knows(institution string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key := range f.regions {
		if key.Institution == institution {
			return true
		}
	}
	return false
}
