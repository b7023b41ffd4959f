package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"

	"qiantang.dev/rails/internal/agent"
	"qiantang.dev/rails/internal/ledger/open"
	"qiantang.dev/rails/internal/worker"
)

// shutdownGrace is how long requests under way may take after SIGTERM; the pod's terminationGracePeriodSeconds is longer.
const shutdownGrace = 20 * time.Second

type workerFlags struct {
	region, institution, namespace, pod, podUID string
	roles                                       []string
	ledger, dsnFile, listen, health, data       string
	credentials                                 string
	logLevel                                    int
}

func newWorkerCommand() *cobra.Command {
	var f workerFlags
	c := &cobra.Command{
		Use:   "worker",
		Short: "Run a region's routing or settlement worker in a pod",
		Long: "Run a region's routing or settlement worker in a pod. It takes its plan from the ConfigMaps that the operator keeps in its\n" +
			"namespace, and says in a Lease what it serves. The operator writes this command line; nobody needs to type it.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runWorker(c.Context(), f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.region, "region", "", "name of the Region that this worker serves")
	fl.StringVar(&f.institution, "institution", "", "namespace of the resources in the hub cluster")
	fl.StringVar(&f.namespace, "namespace", os.Getenv("POD_NAMESPACE"), "namespace that this worker runs in")
	fl.StringVar(&f.pod, "pod", os.Getenv("POD_NAME"), "name of this worker's pod")
	fl.StringVar(&f.podUID, "pod-uid", os.Getenv("POD_UID"), "UID of this worker's pod")
	fl.StringSliceVar(&f.roles, "role", nil, "router, settler, or both (repeat the flag)")
	fl.StringVar(&f.ledger, "ledger", "", "embedded ledger, such as sqlite:///data/ledger.db")
	fl.StringVar(&f.dsnFile, "ledger-dsn-file", "", "file that holds the PostgreSQL DSN")
	fl.StringVar(&f.listen, "listen", ":8080", "address to serve the API on")
	fl.StringVar(&f.health, "health-listen", ":8081", "address to serve health and metrics on, always by plain HTTP")
	fl.StringVar(&f.data, "data", "/data", "directory for settlement files, and for the plan that is kept for a start while the API server is away")
	fl.StringVar(&f.credentials, "credentials-dir", "", "where the region's credentials Secret is mounted; read only when starting while the API server is away")
	fl.IntVar(&f.logLevel, "log-level", 0, "0: what matters, 1: more, 2: everything")
	c.MarkFlagsMutuallyExclusive("ledger", "ledger-dsn-file")
	c.MarkFlagsOneRequired("ledger", "ledger-dsn-file")
	for _, name := range []string{"region", "institution", "role"} {
		_ = c.MarkFlagRequired(name)
	}
	return c
}

func (f workerFlags) ledgerURL() (string, error) {
	if f.dsnFile == "" {
		return f.ledger, nil
	}
	b, err := os.ReadFile(f.dsnFile)
	if err != nil {
		return "", fmt.Errorf("--ledger-dsn-file: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func runWorker(ctx context.Context, f workerFlags) error {
	log := newLogger(os.Stderr, f.logLevel)
	ctrl.SetLogger(log)
	url, err := f.ledgerURL()
	if err != nil {
		return err
	}
	books, err := open.Open(ctx, url, open.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = books.Close() }()

	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	w, err := worker.New(worker.Options{
		ID: f.pod, Institution: f.institution, Region: f.region, Roles: f.roles, Ledger: books, Directory: f.data, Log: log, Version: version,
		Tokens: agent.Tokens{Client: client},
	})
	if err != nil {
		return err
	}
	a, err := agent.New(agent.Options{
		Client: client, Namespace: f.namespace, Region: f.region, Institution: f.institution, Pod: f.pod, PodUID: f.podUID, Worker: w, Log: log.WithName("agent"),
		KeepFile: filepath.Join(f.data, "plan.json"), MountedCredentials: f.credentials,
	})
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	health, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.health)
	if err != nil {
		_ = l.Close()
		return fmt.Errorf("--health-listen: %w", err)
	}
	log.Info("listening", "address", l.Addr().String(), "region", f.region, "roles", f.roles)
	return runTogether(ctx,
		w.Run,
		a.Run,
		func(ctx context.Context) error { return w.Serve(ctx, l, shutdownGrace) },
		func(ctx context.Context) error { return w.ServeHealth(ctx, health) },
	)
}

// runTogether runs all until one ends or ctx does, then waits for the rest, and returns the first error that is not the end of ctx.
func runTogether(ctx context.Context, runs ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, len(runs))
	for _, run := range runs {
		go func() { errs <- run(ctx) }()
	}
	var first error
	for range runs {
		if err := <-errs; err != nil && !errors.Is(err, context.Canceled) && first == nil {
			first = err
		}
		cancel()
	}
	return first
}
