package controllers

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/fleet"
)

// Options of the operator's controllers. WorkerImage is required.
type Options struct {
	// WorkerImage runs the workers of regions that name no image.
	WorkerImage string
	Clock       clock.WithTicker
	// Metrics are registered here; nil: nowhere.
	Metrics prometheus.Registerer
	// Fleet's own options that tests change; Local, Wake, Log, Clock and Metrics are set here.
	Fleet fleet.Options
	// Institutions at once; zero: 4.
	MaxConcurrent int
}

// Reconciler keeps institutions. See the package's documentation.
type Reconciler struct {
	Client client.Client
	// Reader asks the API server itself.
	Reader      client.Reader
	Fleet       *fleet.Fleet
	Events      events.EventRecorder
	Clock       clock.WithTicker
	WorkerImage string

	institutions institutions
	metrics      *metrics
}

// +kubebuilder:rbac:groups=rails.qiantang.dev,resources=regions;paymentrails;fxproviders;paymentcorridors;settlementschedules;participants;businesscalendars,verbs=get;list;watch
// +kubebuilder:rbac:groups=rails.qiantang.dev,resources=regions;paymentcorridors,verbs=patch
// +kubebuilder:rbac:groups=rails.qiantang.dev,resources=regions/finalizers;paymentcorridors/finalizers;settlementschedules/finalizers,verbs=update
// +kubebuilder:rbac:groups=rails.qiantang.dev,resources=regions/status;paymentrails/status;fxproviders/status;paymentcorridors/status;settlementschedules/status;settlementruns/status;participants/status;businesscalendars/status,verbs=patch
// +kubebuilder:rbac:groups=rails.qiantang.dev,resources=settlementruns,verbs=get;list;watch;create;delete
// +kubebuilder:rbac:groups="";events.k8s.io,resources=events,verbs=create;patch

// What workers of regions in this cluster are made of, and what is granted to them.
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;create
// +kubebuilder:rbac:groups="",resources=configmaps;secrets;services;serviceaccounts,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=roles;rolebindings,verbs=get;list;watch;create;patch;delete
// Workers that review tokens of ServiceAccounts are bound to the one ClusterRole that there is for it, and to no other.
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterrolebindings,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterroles,resourceNames=system:auth-delegator,verbs=bind
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=get;list;watch;create;update

// Setup adds the operator's controllers to a manager.
func Setup(mgr ctrl.Manager, o Options) error {
	if o.WorkerImage == "" {
		return fmt.Errorf("controllers: WorkerImage is empty")
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.MaxConcurrent == 0 {
		o.MaxConcurrent = 4
	}
	w := &waker{}
	fo := o.Fleet
	fo.Local, fo.Wake, fo.Log, fo.Clock, fo.Metrics = mgr.GetConfig(), w.wake, mgr.GetLogger().WithName("fleet"), o.Clock, o.Metrics
	regions, err := fleet.New(fo)
	if err != nil {
		return err
	}
	if err := mgr.Add(regions); err != nil {
		return err
	}
	r := &Reconciler{
		Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Fleet: regions, Events: mgr.GetEventRecorder("qiantang"), Clock: o.Clock,
		WorkerImage: o.WorkerImage, metrics: newMetrics(o.Metrics),
	}
	toInstitution := handler.EnqueueRequestsFromMapFunc(func(_ context.Context, obj client.Object) []reconcile.Request {
		return []reconcile.Request{requestFor(obj.GetNamespace())}
	})
	b := ctrl.NewControllerManagedBy(mgr).Named("institution").
		WithOptions(controller.Options{MaxConcurrentReconciles: o.MaxConcurrent}).
		WatchesRawSource(source.Func(w.start)).
		WatchesMetadata(secretMetadata(), toInstitution, builder.WithPredicates(predicate.NewPredicateFuncs(func(obj client.Object) bool {
			return r.institutions.refersTo(obj.GetNamespace(), obj.GetName())
		})))
	for _, kind := range []client.Object{
		&v1alpha1.Region{}, &v1alpha1.PaymentRail{}, &v1alpha1.FXProvider{}, &v1alpha1.PaymentCorridor{}, &v1alpha1.SettlementSchedule{},
		&v1alpha1.SettlementRun{}, &v1alpha1.Participant{}, &v1alpha1.BusinessCalendar{},
	} {
		b = b.Watches(kind, toInstitution, builder.WithPredicates(news()))
	}
	return b.Complete(r)
}

// news lets through what may need doing. Our own writes of status are not news, except that a corridor is drained, and that a run has
// ended: they decide what comes next, and do so only once they are written.
func news() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		if e.ObjectOld == nil || e.ObjectNew == nil {
			return false
		}
		if e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
			!slices.Equal(e.ObjectOld.GetFinalizers(), e.ObjectNew.GetFinalizers()) ||
			e.ObjectOld.GetAnnotations()[AnnotationAbandon] != e.ObjectNew.GetAnnotations()[AnnotationAbandon] {
			return true
		}
		switch before := e.ObjectOld.(type) {
		case *v1alpha1.PaymentCorridor:
			after, ok := e.ObjectNew.(*v1alpha1.PaymentCorridor)
			return ok && (hadDrained(before) != hadDrained(after) || drainedRegions(before) != drainedRegions(after) ||
				!after.DeletionTimestamp.IsZero() && len(before.Status.Regions) != len(after.Status.Regions))
		case *v1alpha1.SettlementRun:
			after, ok := e.ObjectNew.(*v1alpha1.SettlementRun)
			return ok && finished(before) != finished(after)
		}
		return false
	}}
}

func drainedRegions(o *v1alpha1.PaymentCorridor) int {
	n := 0
	for i := range o.Status.Regions {
		if o.Status.Regions[i].State == v1alpha1.CorridorDrained {
			n++
		}
	}
	return n
}

func requestFor(institution string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: institution, Name: institution}}
}

// waker puts institutions on the controller's queue from outside.
type waker struct {
	mu    sync.Mutex
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
}

func (w *waker) start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = queue
	return nil
}

func (w *waker) wake(institution string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queue != nil {
		w.queue.Add(requestFor(institution))
	}
}
