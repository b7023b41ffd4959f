package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"qiantang.dev/rails/controllers"
)

type operatorFlags struct {
	workerImage, metricsAddress, probeAddress, leaderNamespace string
	leaderElection                                             bool
	namespaces                                                 []string
	concurrent, logLevel                                       int
}

func newOperatorCommand() *cobra.Command {
	var f operatorFlags
	c := &cobra.Command{
		Use:   "operator",
		Short: "Run the operator in the hub cluster",
		Long: "Run the operator in the hub cluster: it compiles each namespace's resources into one plan per region, delivers it, runs the\n" +
			"workers, and says in status what they really do. The Helm chart in charts/qiantang writes this command line.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	fl := c.Flags()
	fl.StringVar(&f.workerImage, "worker-image", os.Getenv("WORKER_IMAGE"), "image of the workers of regions that name none (or WORKER_IMAGE)")
	fl.StringVar(&f.metricsAddress, "metrics-listen", ":8080", "address to serve /metrics on; 0: do not")
	fl.StringVar(&f.probeAddress, "health-listen", ":8081", "address to serve /healthz and /readyz on")
	fl.BoolVar(&f.leaderElection, "leader-elect", true, "let one of several replicas work")
	fl.StringVar(&f.leaderNamespace, "leader-namespace", os.Getenv("POD_NAMESPACE"), "namespace of the leader's Lease (or POD_NAMESPACE)")
	fl.StringSliceVar(&f.namespaces, "namespace", nil, "namespaces of the institutions to work for (repeat the flag); none: all")
	fl.IntVar(&f.concurrent, "concurrent", 4, "institutions reconciled at once")
	fl.IntVar(&f.logLevel, "log-level", 0, "0: what matters, 1: more, 2: everything")
	return c
}

func (f operatorFlags) run(c *cobra.Command) error {
	log := newLogger(os.Stderr, f.logLevel)
	ctrl.SetLogger(log)
	if f.workerImage == "" {
		return fmt.Errorf("--worker-image is empty: which image should run the workers?")
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	mgr, err := controllers.NewManager(config, controllers.ManagerOptions{
		MetricsAddress: f.metricsAddress, ProbeAddress: f.probeAddress,
		LeaderElection: f.leaderElection, LeaderNamespace: f.leaderNamespace, Namespaces: f.namespaces, Log: log,
	})
	if err != nil {
		return err
	}
	if err := controllers.Setup(mgr, controllers.Options{WorkerImage: f.workerImage, Metrics: metrics.Registry, MaxConcurrent: f.concurrent}); err != nil {
		return err
	}
	return mgr.Start(c.Context())
}
