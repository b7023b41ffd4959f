package controllers

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/api/v1alpha1"
)

type conditionList = []metav1.Condition

// put writes o's status where it is another than before, in one of g's goroutines. The one who asks has o from the cache, where before
// points into o; neither is changed.
func put[T client.Object, S any](ctx context.Context, r *Reconciler, g *errgroup.Group, o T, before *S, after S, conditionsOf func(*S) *conditionList) {
	if equality.Semantic.DeepEqual(*before, after) {
		return
	}
	was := *conditionsOf(before)
	is := *conditionsOf(&after)
	g.Go(func() error {
		next, ok := o.DeepCopyObject().(T)
		if !ok {
			return fmt.Errorf("%T does not copy itself", o)
		}
		*statusOf[S](next) = after
		if err := r.Client.Status().Patch(ctx, next, client.MergeFrom(o)); err != nil {
			if client.IgnoreNotFound(err) == nil {
				return nil
			}
			return fmt.Errorf("status of %s: %w", o.GetName(), err)
		}
		r.announce(o, was, is)
		return nil
	})
}

// statusOf points at an object's status.
func statusOf[S any](o client.Object) *S {
	var status any
	switch o := o.(type) {
	case *v1alpha1.Region:
		status = &o.Status
	case *v1alpha1.PaymentRail:
		status = &o.Status
	case *v1alpha1.FXProvider:
		status = &o.Status
	case *v1alpha1.PaymentCorridor:
		status = &o.Status
	case *v1alpha1.SettlementSchedule:
		status = &o.Status
	case *v1alpha1.SettlementRun:
		status = &o.Status
	case *v1alpha1.Participant:
		status = &o.Status
	case *v1alpha1.BusinessCalendar:
		status = &o.Status
	}
	s, ok := status.(*S)
	if !ok {
		// A kind and a status that do not belong together are a mistake of this package, seen by its first test.
		panic(fmt.Sprintf("%T has no status of type %T", o, s))
	}
	return s
}

// announce makes an event where Ready has turned. Being asked again is no news.
func (r *Reconciler) announce(o client.Object, before, after conditionList) {
	is := meta.FindStatusCondition(after, v1alpha1.ConditionReady)
	was := meta.FindStatusCondition(before, v1alpha1.ConditionReady)
	if is == nil || quiet[is.Reason] || (was != nil && was.Status == is.Status && was.Reason == is.Reason) {
		return
	}
	kind := corev1.EventTypeWarning
	if is.Status == metav1.ConditionTrue || calm[is.Reason] {
		kind = corev1.EventTypeNormal
	}
	text := is.Message
	if text == "" {
		text = "Ready is " + string(is.Status)
	}
	r.Events.Eventf(o, nil, kind, is.Reason, "Reconcile", "%s", text)
}

var (
	quiet = map[string]bool{v1alpha1.ReasonPending: true, v1alpha1.ReasonRequested: true, v1alpha1.ReasonInProgress: true}
	calm  = map[string]bool{v1alpha1.ReasonDraining: true, v1alpha1.ReasonDrained: true, v1alpha1.ReasonInUse: true}
)

func (r *Reconciler) now() metav1.Time { return metav1.NewTime(r.Clock.Now()).Rfc3339Copy() }
