package fleet

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/internal/delivery"
)

// EnsureNamespace creates the region's namespace where it is missing. One that is there is left as it is; in our own cluster, where we
// may write everywhere, it must be labelled as the institution's, or else a Region could run pods in anybody's namespace.
func (r *Region) EnsureNamespace(ctx context.Context, ns *unstructured.Unstructured) error {
	c, _, err := r.connected()
	if err != nil {
		return err
	}
	key := keyOf(ns.GroupVersionKind().GroupKind(), ns)
	if _, known := c.memory.get(key); known {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err = c.client.Create(ctx, ns.DeepCopy(), client.FieldOwner(FieldManager))
	switch {
	case err == nil:
	case apierrors.IsAlreadyExists(err) && c.id == localID:
		if err := c.claimed(ctx, ns); err != nil {
			return err
		}
	case apierrors.IsAlreadyExists(err):
	case apierrors.IsForbidden(err) && c.seesInto(ctx, ns.GetName()):
		// A kubeconfig for one namespace may not create any.
	default:
		return fmt.Errorf("namespace %s: %w", ns.GetName(), err)
	}
	c.memory.put(key, applied{})
	return nil
}

// claimed says whether an existing namespace of our own cluster is the institution's.
func (c *connection) claimed(ctx context.Context, want *unstructured.Unstructured) error {
	var have corev1.Namespace
	if err := c.client.Get(ctx, client.ObjectKeyFromObject(want), &have); err != nil {
		return fmt.Errorf("namespace %s: %w", want.GetName(), err)
	}
	institution := want.GetLabels()[delivery.LabelInstitution]
	if got := have.Labels[delivery.LabelInstitution]; got != institution {
		return fmt.Errorf("namespace %s exists, and its label %s is %q, not %q: label it so to let this institution run workers in it",
			have.Name, delivery.LabelInstitution, got, institution)
	}
	return nil
}

// seesInto says whether there is such a namespace that we may look into.
func (c *connection) seesInto(ctx context.Context, namespace string) bool {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ServiceAccountList"))
	return c.client.List(ctx, list, client.InNamespace(namespace), client.Limit(1)) == nil && len(list.Items) > 0
}
