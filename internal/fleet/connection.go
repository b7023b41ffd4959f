package fleet

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/internal/delivery"
)

const (
	localID = "local"

	probeTimeout   = 5 * time.Second
	syncTimeout    = 30 * time.Second
	requestTimeout = 20 * time.Second
	firstBackoff   = time.Second
	longestBackoff = time.Minute
)

// connection is one cluster, or one namespace of it, with its client and caches.
type connection struct {
	fleet         *Fleet
	id, namespace string
	cancel        context.CancelFunc

	mu    sync.Mutex
	state Reach
	// watchErr is what a watch last failed with, to explain caches that do not fill.
	watchErr error

	// Set once, before state first says Connected.
	client   client.Client
	metadata cache.Cache
	content  cache.Cache

	memory memory
	leases leases
}

// connect begins a connection. The fleet is locked.
func (f *Fleet) connect(id, namespace string, cfg *rest.Config) *connection {
	ctx, cancel := context.WithCancel(f.ctx)
	c := &connection{fleet: f, id: id, namespace: namespace, cancel: cancel}
	f.connections[id] = c
	f.done.Go(func() {
		defer cancel()
		c.run(ctx, cfg)
	})
	return c
}

// run establishes the connection, as often as it takes, and then watches over it.
func (c *connection) run(ctx context.Context, cfg *rest.Config) {
	backoff := firstBackoff
	for {
		stop, err := c.establish(ctx, cfg)
		if err == nil {
			c.heard()
			c.watchOver(ctx)
			stop()
			return
		}
		if ctx.Err() != nil {
			return
		}
		c.lost(err)
		select {
		case <-ctx.Done():
			return
		case <-c.fleet.Clock.After(backoff):
		}
		backoff = min(2*backoff, longestBackoff)
	}
}

// establish makes client and caches, and waits until the caches are full. stop ends them.
func (c *connection) establish(ctx context.Context, base *rest.Config) (stop func(), err error) {
	cfg := rest.CopyConfig(base)
	cfg.QPS = -1 // One reconcile at a time writes to a region; its API server shares itself out by priority and fairness.
	cfg.UserAgent = "qiantang-operator"
	httpClient, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	c.client, err = client.New(cfg, client.Options{HTTPClient: httpClient, Scheme: c.fleet.scheme, Mapper: c.fleet.mapper})
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err := c.probe(ctx); err != nil {
		return nil, err
	}
	if err := c.newCaches(cfg, httpClient); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, each := range []cache.Cache{c.metadata, c.content} {
		running.Go(func() { _ = each.Start(ctx) }) // Its only end is the context's.
	}
	stop = func() {
		cancel()
		running.Wait()
	}
	if err := c.follow(ctx); err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

func (c *connection) newCaches(cfg *rest.Config, httpClient *http.Client) error {
	o := cache.Options{
		HTTPClient: httpClient, Scheme: c.fleet.scheme, Mapper: c.fleet.mapper,
		DefaultTransform: cache.TransformStripManagedFields(),
		DefaultWatchErrorHandler: func(ctx context.Context, r *toolscache.Reflector, err error) {
			c.mu.Lock()
			c.watchErr = err
			c.mu.Unlock()
		},
	}
	if c.namespace != "" {
		o.DefaultNamespaces = map[string]cache.Config{c.namespace: {}}
	}
	ours := labels.SelectorFromSet(labels.Set{delivery.LabelManagedBy: delivery.ManagedBy})
	metadata := o
	metadata.DefaultLabelSelector = ours
	var err error
	if c.metadata, err = cache.New(cfg, metadata); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	runs, err := labels.Parse(delivery.LabelRun)
	if err != nil {
		return err
	}
	content := o
	content.ByObject = map[client.Object]cache.ByObject{
		&corev1.ConfigMap{}:     {Label: runs},
		&coordinationv1.Lease{}: {Label: labels.SelectorFromSet(labels.Set{delivery.LabelWorker: "true"})},
		&batchv1.Job{}:          {Label: ours},
	}
	if c.content, err = cache.New(cfg, content); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return nil
}

// follow begins to watch all kinds, and waits until all is known.
func (c *connection) follow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	add := func(from cache.Cache, obj client.Object, h toolscache.ResourceEventHandler) error {
		informer, err := from.GetInformer(ctx, obj)
		if err == nil {
			var registered toolscache.ResourceEventHandlerRegistration
			if registered, err = informer.AddEventHandler(h); err == nil && !toolscache.WaitForCacheSync(ctx.Done(), registered.HasSynced) {
				err = ctx.Err()
			}
		}
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.watchErr != nil {
				err = c.watchErr
			}
			return fmt.Errorf("watch %T: %w", obj, err)
		}
		return nil
	}
	kinds := managed
	if c.id == localID {
		kinds = append(slices.Clone(managed), clusterRoleBinding)
	}
	for _, gvk := range kinds {
		obj := &metav1.PartialObjectMetadata{}
		obj.SetGroupVersionKind(gvk)
		if err := add(c.metadata, obj, c.driftHandler(gvk)); err != nil {
			return err
		}
	}
	if err := add(c.content, &coordinationv1.Lease{}, c.leaseHandler()); err != nil {
		return err
	}
	for _, obj := range []client.Object{&corev1.ConfigMap{}, &batchv1.Job{}} {
		if err := add(c.content, obj, c.wakeHandler()); err != nil {
			return err
		}
	}
	return nil
}

// watchOver probes until ctx ends. The caches go on through an outage: their watches come back by themselves.
func (c *connection) watchOver(ctx context.Context) {
	tick := c.fleet.Clock.NewTicker(c.fleet.ProbeInterval)
	defer tick.Stop()
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C():
		}
		err := c.probe(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			failures = 0
			c.heard()
		default:
			if failures++; failures >= c.fleet.ProbeFailures {
				c.lost(err)
			}
		}
	}
}

// probe asks for something that needs our credentials, because a version is told to anybody.
func (c *connection) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	leases := &metav1.PartialObjectMetadataList{}
	leases.SetGroupVersionKind(coordinationv1.SchemeGroupVersion.WithKind("LeaseList"))
	return c.client.List(ctx, leases, client.InNamespace(c.namespace), client.Limit(1))
}

func (c *connection) reach() Reach {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// heard and lost change the state, and wake whoever uses the connection when it has turned.
func (c *connection) heard() {
	c.turn(Reach{Connected: true, LastHeard: c.fleet.Clock.Now()})
}

func (c *connection) lost(err error) {
	c.turn(Reach{Err: err.Error(), LastHeard: c.reach().LastHeard})
}

func (c *connection) turn(to Reach) {
	c.mu.Lock()
	turned := c.state.Connected != to.Connected || (c.state.Err == "") != (to.Err == "")
	c.state = to
	c.mu.Unlock()
	if turned {
		c.fleet.Log.Info("region's cluster", "connected", to.Connected, "why", to.Err, "namespace", c.namespace)
		c.fleet.wakeUsers(c)
	}
}
