package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
	"qiantang.dev/rails/internal/fleet"
)

// AnnotationAbandon with "true" on a Region that is being deleted lets it go without removing anything from its cluster, and its
// corridors without draining there: for a cluster that will never be reached again.
const AnnotationAbandon = "rails.qiantang.dev/abandon"

// holdBack puts finalizers on what is about to be delivered, before it is: what workers serve must not vanish without draining.
func (r *Reconciler) holdBack(ctx context.Context, s *scope) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i := range s.Regions {
		o := &s.Regions[i]
		if _, ok := s.result.Regions[o.Name]; ok && o.DeletionTimestamp.IsZero() && !controllerutil.ContainsFinalizer(o, v1alpha1.FinalizerRegion) {
			g.Go(func() error { return r.patchFinalizer(ctx, o, v1alpha1.FinalizerRegion, controllerutil.AddFinalizer) })
		}
	}
	for i := range s.Corridors {
		o := &s.Corridors[i]
		verdict := s.result.Verdicts[compile.Ref{Kind: compile.KindCorridor, Name: o.Name}]
		if len(verdict.Regions) > 0 && o.DeletionTimestamp.IsZero() && !controllerutil.ContainsFinalizer(o, v1alpha1.FinalizerDrain) {
			g.Go(func() error { return r.patchFinalizer(ctx, o, v1alpha1.FinalizerDrain, controllerutil.AddFinalizer) })
		}
	}
	return g.Wait()
}

// letGo removes the finalizers of what is gone from all workers.
func (r *Reconciler) letGo(ctx context.Context, s *scope) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i := range s.Corridors {
		o := &s.Corridors[i]
		if o.DeletionTimestamp.IsZero() || !controllerutil.ContainsFinalizer(o, v1alpha1.FinalizerDrain) {
			continue
		}
		verdict := s.result.Verdicts[compile.Ref{Kind: compile.KindCorridor, Name: o.Name}]
		if len(s.corridorRegions(o, verdict)) == 0 {
			g.Go(func() error {
				return r.patchFinalizer(gctx, o, v1alpha1.FinalizerDrain, controllerutil.RemoveFinalizer)
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range s.Regions {
		if o := &s.Regions[i]; s.leaving[o.Name] && controllerutil.ContainsFinalizer(o, v1alpha1.FinalizerRegion) {
			if err := r.letRegionGo(ctx, s, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// letRegionGo removes what was applied to the region's cluster, and lets the Region go when nothing is left. The ledger's volume stays.
func (r *Reconciler) letRegionGo(ctx context.Context, s *scope, o *v1alpha1.Region) error {
	mem := s.region(o.Name)
	why := ""
	switch ref := o.Spec.Cluster.KubeconfigSecretRef.Name; {
	case abandoned(o):
		why = "it is abandoned"
	case ref != "" && s.Secrets[ref] == nil:
		why = fmt.Sprintf("Secret %q with its kubeconfig is gone", ref)
	case mem.handle == nil || !mem.handle.Reach().Connected:
		return nil // Its coming back wakes us.
	default:
		deleted, err := mem.handle.Prune(ctx, nil, nil)
		if err != nil {
			s.fail(o.Name, err)
			return nil
		}
		if deleted > 0 {
			return nil // Their going wakes us.
		}
	}
	if why != "" {
		r.Events.Eventf(o, nil, corev1.EventTypeWarning, "Abandoned", "Delete", "let go without removing anything from its cluster: %s", why)
	}
	if err := r.patchFinalizer(ctx, o, v1alpha1.FinalizerRegion, controllerutil.RemoveFinalizer); err != nil {
		return err
	}
	r.Fleet.Forget(fleet.Key{Institution: s.institution.name, Region: o.Name})
	delete(s.regions, o.Name)
	return nil
}

func abandoned(o *v1alpha1.Region) bool { return o.Annotations[AnnotationAbandon] == "true" }

// leavingRegions are being deleted, and used by nothing.
func (s *scope) leavingRegions() map[string]bool {
	out := map[string]bool{}
	for i := range s.Regions {
		if o := &s.Regions[i]; !o.DeletionTimestamp.IsZero() && (abandoned(o) || len(s.usersOf(o.Name)) == 0) {
			out[o.Name] = true
		}
	}
	return out
}

// usersOf names the corridors that a region serves, should serve, or that are draining there.
func (s *scope) usersOf(region string) []string {
	var out []string
	for i := range s.Corridors {
		c := &s.Corridors[i]
		if slices.Contains(c.Spec.Regions, v1alpha1.ObjectName(region)) || regionEntry(c, region) != nil {
			out = append(out, c.Name)
		}
	}
	return out
}

// enumerate names the first few.
func enumerate(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// patchFinalizer adds or removes one finalizer, unless somebody has changed the resource meanwhile.
func (r *Reconciler) patchFinalizer(ctx context.Context, o client.Object, finalizer string, change func(client.Object, string) bool) error {
	next, ok := o.DeepCopyObject().(client.Object)
	if !ok || !change(next, finalizer) {
		return nil
	}
	err := r.Client.Patch(ctx, next, client.MergeFromWithOptions(o, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("finalizer of %s: %w", o.GetName(), err)
	}
	return nil
}
