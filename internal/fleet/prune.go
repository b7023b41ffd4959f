package fleet

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/internal/delivery"
)

// Prune deletes the objects of the region that carry our labels and are not wanted. spare may keep some of them (nil: none), such as
// shards that a worker may still need. How many were deleted is returned.
func (r *Region) Prune(ctx context.Context, wanted []*unstructured.Unstructured, spare func(client.Object) bool) (int, error) {
	c, ns, err := r.connected()
	if err != nil {
		return 0, err
	}
	keep := map[objectKey]bool{}
	for _, o := range wanted {
		keep[keyOf(o.GroupVersionKind().GroupKind(), o)] = true
	}
	deleted := 0
	for _, gvk := range managed {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		err := c.metadata.List(ctx, list, client.InNamespace(ns), client.MatchingLabels{
			delivery.LabelManagedBy: delivery.ManagedBy, delivery.LabelInstitution: r.key.Institution, delivery.LabelRegion: r.key.Region,
		}, client.UnsafeDisableDeepCopy)
		if err != nil {
			return deleted, fmt.Errorf("prune %s: %w", gvk.Kind, err)
		}
		for i := range list.Items {
			o := &list.Items[i]
			if keep[keyOf(gvk.GroupKind(), o)] || !o.DeletionTimestamp.IsZero() || (spare != nil && spare(o)) {
				continue
			}
			if err := c.delete(ctx, o.DeepCopy()); err != nil {
				return deleted, err
			}
			deleted++
		}
	}
	beyond, err := r.pruneCluster(ctx, c, ns, wanted)
	return deleted + beyond, err
}

// DeleteRun removes the ConfigMap about a settlement run, whoever made it.
func (r *Region) DeleteRun(ctx context.Context, run string) error {
	c, ns, err := r.connected()
	if err != nil {
		return err
	}
	cm := &unstructured.Unstructured{}
	cm.SetAPIVersion("v1")
	cm.SetKind("ConfigMap")
	cm.SetNamespace(ns)
	cm.SetName(delivery.RunName(run))
	return c.delete(ctx, cm)
}

// delete removes o, where it still is the object that we know.
func (c *connection) delete(ctx context.Context, o client.Object) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	options := []client.DeleteOption{client.PropagationPolicy(metav1.DeletePropagationBackground)}
	if uid := o.GetUID(); uid != "" {
		options = append(options, client.Preconditions{UID: &uid})
	}
	c.memory.drop(keyOf(o.GetObjectKind().GroupVersionKind().GroupKind(), o))
	if err := client.IgnoreNotFound(c.client.Delete(ctx, o, options...)); err != nil {
		return fmt.Errorf("delete %s %s/%s: %w", o.GetObjectKind().GroupVersionKind().Kind, o.GetNamespace(), o.GetName(), err)
	}
	return nil
}
