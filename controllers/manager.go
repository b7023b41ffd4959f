package controllers

import (
	"fmt"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"qiantang.dev/rails/api/v1alpha1"
)

// ManagerOptions are how the operator's process runs.
type ManagerOptions struct {
	// MetricsAddress and ProbeAddress to listen on; "0" is nowhere.
	MetricsAddress, ProbeAddress string
	// LeaderElection lets one of several replicas work; LeaderNamespace holds its Lease (unset: the pod's own).
	LeaderElection  bool
	LeaderNamespace string
	Log             logr.Logger
	// Namespaces are the institutions to work for; empty: all.
	Namespaces []string
	// SkipNameValidation lets tests run several operators in one process.
	SkipNameValidation bool
}

// NewScheme knows the kinds that the operator reads and writes in its own cluster.
func NewScheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(s); err != nil {
		return nil, err
	}
	if err := v1alpha1.AddToScheme(s); err != nil {
		return nil, err
	}
	return s, nil
}

// NewManager makes a manager whose caches hold only what is used: our kinds, and Secrets' metadata.
func NewManager(cfg *rest.Config, o ManagerOptions) (ctrl.Manager, error) {
	scheme, err := NewScheme()
	if err != nil {
		return nil, fmt.Errorf("operator: %w", err)
	}
	cfg = rest.CopyConfig(cfg)
	cfg.UserAgent = "qiantang-operator"
	cfg.QPS = -1 // Ten thousand statuses at once are few writes at a time; the API server shares itself out by priority and fairness.
	caches := cache.Options{DefaultTransform: cache.TransformStripManagedFields()}
	for _, ns := range o.Namespaces {
		if caches.DefaultNamespaces == nil {
			caches.DefaultNamespaces = map[string]cache.Config{}
		}
		caches.DefaultNamespaces[ns] = cache.Config{}
	}
	grace := 20 * time.Second
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme:  scheme,
		Logger:  o.Log,
		Metrics: metricsserver.Options{BindAddress: o.MetricsAddress},
		Cache:   caches,
		Client: client.Options{Cache: &client.CacheOptions{
			DisableFor: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}},
		}},
		HealthProbeBindAddress:        o.ProbeAddress,
		LeaderElection:                o.LeaderElection,
		LeaderElectionID:              "qiantang-operator",
		LeaderElectionNamespace:       o.LeaderNamespace,
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       &grace,
		Controller:                    ctrlconfig.Controller{SkipNameValidation: &o.SkipNameValidation},
	})
	if err != nil {
		return nil, fmt.Errorf("operator: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	return mgr, nil
}
