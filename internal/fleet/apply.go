package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/internal/delivery"
)

// FieldManager owns what we apply.
const FieldManager = "qiantang-operator"

// objectKey names an object of a cluster.
type objectKey struct {
	kind schema.GroupKind
	client.ObjectKey
}

// applied is what the server had after we last applied an object.
type applied struct {
	want            [sha256.Size]byte
	resourceVersion string
}

// memory is what was applied and not changed since.
type memory struct {
	mu      sync.Mutex
	objects map[objectKey]applied
}

func (m *memory) get(k objectKey) (applied, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.objects[k]
	return a, ok
}

func (m *memory) put(k objectKey, a applied) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = map[objectKey]applied{}
	}
	m.objects[k] = a
}

func (m *memory) drop(k objectKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, k)
}

// Apply server-side applies objects in their order, except those that are known to be as wanted. It ends at the first error, because
// later objects may need earlier ones. How many were sent is returned.
func (r *Region) Apply(ctx context.Context, objects ...*unstructured.Unstructured) (sent int, err error) {
	c, _, err := r.connected()
	if err != nil {
		return 0, err
	}
	for _, obj := range objects {
		did, err := c.apply(ctx, obj)
		if err != nil && c.leftToOthers(obj, err) {
			continue
		}
		if err != nil {
			return sent, err
		}
		if did {
			sent++
		}
	}
	return sent, nil
}

func (c *connection) apply(ctx context.Context, obj *unstructured.Unstructured) (bool, error) {
	raw, err := json.Marshal(obj.Object)
	if err != nil {
		return false, fmt.Errorf("apply %s %s: %w", obj.GetKind(), obj.GetName(), err)
	}
	key := keyOf(obj.GroupVersionKind().GroupKind(), obj)
	want := sha256.Sum256(raw)
	if had, ok := c.memory.get(key); ok && had.want == want {
		return false, nil
	}
	return true, c.send(ctx, key, want, obj)
}

// send applies obj, and remembers that the server has it as want.
func (c *connection) send(ctx context.Context, key objectKey, want [sha256.Size]byte, obj *unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	began := c.fleet.Clock.Now()
	sent := obj.DeepCopy() // The client writes the answer into it.
	err := c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(sent), client.FieldOwner(FieldManager), client.ForceOwnership)
	c.fleet.metrics.applied(obj.GetKind(), c.fleet.Clock.Since(began), err)
	if err != nil {
		if apierrors.IsNotFound(err) { // Only its namespace can be missing: it is to be made again.
			c.memory.drop(objectKey{kind: schema.GroupKind{Kind: "Namespace"}, ObjectKey: client.ObjectKey{Name: obj.GetNamespace()}})
		}
		return fmt.Errorf("apply %s %s/%s: %w", obj.GetKind(), obj.GetNamespace(), obj.GetName(), err)
	}
	c.memory.put(key, applied{want: want, resourceVersion: sent.GetResourceVersion()})
	return nil
}

// ApplyVersion is Apply for one object that is costly to make: it is made only where this version of it was not the last applied, or
// where somebody has changed it since.
func (r *Region) ApplyVersion(ctx context.Context, gvk schema.GroupVersionKind, name, version string, make func() (*unstructured.Unstructured, error)) error {
	c, ns, err := r.connected()
	if err != nil {
		return err
	}
	key := objectKey{kind: gvk.GroupKind(), ObjectKey: client.ObjectKey{Namespace: ns, Name: name}}
	want := sha256.Sum256([]byte(version))
	if had, ok := c.memory.get(key); ok && had.want == want {
		return nil
	}
	obj, err := make()
	if err != nil {
		return err
	}
	return c.send(ctx, key, want, obj)
}

// driftHandler forgets what others have changed, and wakes its institution.
func (c *connection) driftHandler(gvk schema.GroupVersionKind) toolscache.ResourceEventHandler {
	changed := func(o client.Object) {
		key := keyOf(gvk.GroupKind(), o)
		if had, ok := c.memory.get(key); ok && had.resourceVersion == o.GetResourceVersion() {
			return // Our own doing.
		}
		c.memory.drop(key)
		c.wake(o)
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if o, ok := obj.(client.Object); ok {
				changed(o)
			}
		},
		UpdateFunc: func(before, after any) {
			b, ok1 := before.(client.Object)
			a, ok2 := after.(client.Object)
			if !ok1 || !ok2 || onlyStatus(b, a) {
				return
			}
			changed(a)
		},
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			if o, ok := obj.(client.Object); ok {
				c.memory.drop(keyOf(gvk.GroupKind(), o))
				c.wake(o)
			}
		},
	}
}

// onlyStatus says whether nothing that we could own has changed: kinds with a generation count it up with each change of the spec.
func onlyStatus(before, after client.Object) bool {
	if before.GetResourceVersion() == after.GetResourceVersion() {
		return true
	}
	return after.GetGeneration() != 0 && before.GetGeneration() == after.GetGeneration() &&
		before.GetDeletionTimestamp().IsZero() == after.GetDeletionTimestamp().IsZero() &&
		maps.Equal(before.GetLabels(), after.GetLabels()) && maps.Equal(before.GetAnnotations(), after.GetAnnotations())
}

// wakeHandler wakes an object's institution whenever the object changes.
func (c *connection) wakeHandler() toolscache.ResourceEventHandler {
	wake := func(obj any) {
		if gone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
			obj = gone.Obj
		}
		if o, ok := obj.(client.Object); ok {
			c.wake(o)
		}
	}
	return toolscache.ResourceEventHandlerFuncs{AddFunc: wake, DeleteFunc: wake, UpdateFunc: func(b, a any) {
		before, ok1 := b.(client.Object)
		after, ok2 := a.(client.Object)
		if ok1 && ok2 && before.GetResourceVersion() == after.GetResourceVersion() {
			return
		}
		wake(a)
	}}
}

func (c *connection) wake(o client.Object) {
	// Others' regions may be in the same cluster: another operator's, or those of institutions that are gone.
	if institution := o.GetLabels()[delivery.LabelInstitution]; c.fleet.knows(institution) {
		c.fleet.Wake(institution)
	}
}

func keyOf(kind schema.GroupKind, o client.Object) objectKey {
	return objectKey{kind: kind, ObjectKey: client.ObjectKeyFromObject(o)}
}
