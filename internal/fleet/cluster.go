package fleet

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/render"
)

// leftToOthers says whether an object that could not be applied is for the cluster's administrator to make: a kubeconfig for one namespace
// may make nothing outside of it. A worker that misses what it grants says so.
func (c *connection) leftToOthers(obj *unstructured.Unstructured, err error) bool {
	if c.id == localID || obj.GetNamespace() != "" || !apierrors.IsForbidden(err) {
		return false
	}
	c.fleet.Log.Info("not applied: the region's kubeconfig does not allow it", "kind", obj.GetKind(), "name", obj.GetName())
	return true
}

// pruneCluster deletes the region's objects outside of its namespace that are not wanted. They are looked for only when what is wanted
// has changed since the last time.
func (r *Region) pruneCluster(ctx context.Context, c *connection, ns string, wanted []*unstructured.Unstructured) (int, error) {
	keep := map[string]bool{}
	names := ns + ":"
	for _, o := range wanted {
		if o.GroupVersionKind() == clusterRoleBinding {
			keep[o.GetName()] = true
			names += " " + o.GetName()
		}
	}
	r.mu.Lock()
	known := r.prunedBy == c && r.pruned == names
	r.mu.Unlock()
	if known {
		return 0, nil
	}
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(clusterRoleBinding.GroupVersion().WithKind(clusterRoleBinding.Kind + "List"))
	err := c.client.List(ctx, list, client.MatchingLabels{
		delivery.LabelManagedBy: delivery.ManagedBy, delivery.LabelInstitution: r.key.Institution, delivery.LabelRegion: r.key.Region,
	})
	if err != nil && !apierrors.IsForbidden(err) { // Who may not see them has made none.
		return 0, fmt.Errorf("prune %s: %w", clusterRoleBinding.Kind, err)
	}
	deleted := 0
	for i := range list.Items {
		o := &list.Items[i]
		if keep[o.Name] || !o.DeletionTimestamp.IsZero() || !strings.HasPrefix(o.Name, render.ClusterNamePrefix(ns)) {
			continue
		}
		o.SetGroupVersionKind(clusterRoleBinding)
		if err := c.delete(ctx, o); err != nil {
			return deleted, err
		}
		deleted++
	}
	r.mu.Lock()
	r.prunedBy, r.pruned = c, names
	r.mu.Unlock()
	return deleted, nil
}
