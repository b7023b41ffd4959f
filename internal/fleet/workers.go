package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/render"
)

// leaseCheck is how often Leases are looked through for those that have run out.
const leaseCheck = 5 * time.Second

// Worker is what a worker last said of itself.
type Worker struct {
	plan.Ack
	// Live while its Lease is renewed in time; LastHeard is when it last was.
	Live      bool
	LastHeard time.Time
}

// sighting is when we last saw a Lease renewed. Our own clock counts, so that a region's clock may be wrong.
type sighting struct {
	renewed time.Time
	seen    time.Time
	live    bool
}

type leases struct {
	mu   sync.Mutex
	seen map[client.ObjectKey]sighting
}

// see notes a Lease as it is now, and says whether it has come to life with that.
func (l *leases) see(lease *coordinationv1.Lease, now time.Time) (revived bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[client.ObjectKey]sighting{}
	}
	key := client.ObjectKeyFromObject(lease)
	renewed := ptr.Deref(lease.Spec.RenewTime, zeroMicro).Time
	had, known := l.seen[key]
	switch {
	case !known:
		// At first sight there is only the worker's own clock to go by. If that is wrong, the next heartbeat mends it.
		live := now.Sub(renewed) <= duration(lease)
		l.seen[key] = sighting{renewed: renewed, seen: renewed, live: live}
		return live
	case !renewed.Equal(had.renewed):
		l.seen[key] = sighting{renewed: renewed, seen: now, live: true}
		return !had.live
	}
	return false
}

// check says whether a Lease is live now, and whether it has just run out.
func (l *leases) check(lease *coordinationv1.Lease, now time.Time) (s sighting, expired bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := client.ObjectKeyFromObject(lease)
	s = l.seen[key]
	if s.live && now.Sub(s.seen) > duration(lease) {
		s.live = false
		l.seen[key] = s
		return s, true
	}
	return s, false
}

func (l *leases) forget(lease client.Object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seen, client.ObjectKeyFromObject(lease))
}

func duration(lease *coordinationv1.Lease) time.Duration {
	return time.Duration(ptr.Deref(lease.Spec.LeaseDurationSeconds, 40)) * time.Second
}

// leaseHandler notes heartbeats, and wakes the institution only when a worker says something new, comes or goes.
func (c *connection) leaseHandler() toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if lease, ok := obj.(*coordinationv1.Lease); ok {
				c.leases.see(lease, c.fleet.Clock.Now())
				c.wake(lease)
			}
		},
		UpdateFunc: func(b, a any) {
			before, ok1 := b.(*coordinationv1.Lease)
			after, ok2 := a.(*coordinationv1.Lease)
			if !ok1 || !ok2 {
				return
			}
			revived := c.leases.see(after, c.fleet.Clock.Now())
			if revived || before.Annotations[delivery.AnnotationAck] != after.Annotations[delivery.AnnotationAck] {
				c.wake(after)
			}
		},
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			if lease, ok := obj.(*coordinationv1.Lease); ok {
				c.leases.forget(lease)
				c.wake(lease)
			}
		},
	}
}

// Workers are the region's, as last heard, by name. An acknowledgement that cannot be read is an empty one.
func (r *Region) Workers(ctx context.Context) ([]Worker, error) {
	c, ns, err := r.connected()
	if err != nil {
		return nil, err
	}
	found, err := c.workerLeases(ctx, r.key, ns)
	if err != nil {
		return nil, err
	}
	now := c.fleet.Clock.Now()
	out := make([]Worker, 0, len(found))
	for i := range found {
		lease := &found[i]
		s, _ := c.leases.check(lease, now)
		w := Worker{Live: s.live, LastHeard: s.seen}
		if err := json.Unmarshal([]byte(lease.Annotations[delivery.AnnotationAck]), &w.Ack); err != nil {
			w.Ack = plan.Ack{}
		}
		// The Lease's name is the API server's word; what is written in it is only the worker's.
		w.Worker = strings.TrimPrefix(lease.Name, delivery.LeaseName(""))
		out = append(out, w)
	}
	if all := manned(out); all {
		r.noteManned(true)
	}
	slices.SortFunc(out, func(a, b Worker) int { return strings.Compare(a.Worker, b.Worker) })
	return out, nil
}

func (c *connection) workerLeases(ctx context.Context, key Key, ns string) ([]coordinationv1.Lease, error) {
	list := &coordinationv1.LeaseList{}
	err := c.content.List(ctx, list, client.InNamespace(ns), client.MatchingLabels{
		delivery.LabelInstitution: key.Institution, delivery.LabelRegion: key.Region,
	}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("leases: %w", err)
	}
	return list.Items, nil
}

// manned says whether every role is played by a live worker.
func manned(workers []Worker) bool {
	roles := map[string]bool{}
	for _, w := range workers {
		if w.Live {
			for _, role := range w.Roles {
				roles[role] = true
			}
		}
	}
	for _, role := range render.Roles() {
		if !roles[role] {
			return false
		}
	}
	return true
}

// checkLeases wakes the institutions with a worker whose Lease has run out, or where a role has long been played by nobody.
func (f *Fleet) checkLeases(ctx context.Context) {
	now := f.Clock.Now()
	for _, r := range f.all() {
		c, ns, err := r.connected()
		if err != nil {
			continue
		}
		found, err := c.workerLeases(ctx, r.key, ns)
		if err != nil {
			continue
		}
		news := false
		for i := range found {
			if _, expired := c.leases.check(&found[i], now); expired {
				f.Log.Info("worker lost", "region", r.key.String(), "lease", found[i].Name)
				news = true
			}
		}
		workers, err := r.Workers(ctx)
		if err == nil && r.noteManned(manned(workers)) {
			f.Log.Info("no worker for every role", "region", r.key.String())
			news = true
		}
		if news {
			f.Wake(r.key.Institution)
		}
	}
}
