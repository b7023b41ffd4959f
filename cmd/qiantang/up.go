package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger/open"
	"qiantang.dev/rails/internal/manifest"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/internal/worker"
)

// simulatorHost is the name under which resources reach the simulator in a cluster; here it is in this process.
const simulatorHost = "qiantang-simulator"

type upFlags struct {
	dir, listen, data, ledger string
	logLevel                  int
	open                      bool
}

func newUpCommand() *cobra.Command {
	var f upFlags
	c := &cobra.Command{
		Use:   "up -f DIR",
		Short: "Serve a folder of resources in one process, without a cluster",
		Long: "Serve a folder of resources in one process, without a cluster: the same YAML, compiled by the same code, the same router and\n" +
			"settler, an embedded ledger, and the simulators for providers whose endpoint is at a host " + simulatorHost + ". All regions are\n" +
			"served as one. Files are looked at every second: a valid change is served at once, an invalid one is said and left out.",
		Example: "  qiantang up -f config/samples\n  curl -s http://127.0.0.1:8080/v1/corridors",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runUp(c.Context(), f, c.OutOrStdout()) },
	}
	fl := c.Flags()
	fl.StringVarP(&f.dir, "file", "f", "", "folder (or file) of resources")
	fl.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address to serve on")
	fl.StringVar(&f.data, "data", "", "folder for ledger and settlement files, kept (default: a temporary one, removed at the end)")
	fl.StringVar(&f.ledger, "ledger", "", "ledger to use instead of the embedded one, such as postgres://…")
	fl.BoolVar(&f.open, "open", false, "let everybody use the API, whatever spec.api of the regions says: there is no cluster to review tokens of ServiceAccounts")
	fl.IntVar(&f.logLevel, "log-level", -1, "of the worker's log on standard error; below 0 errors alone")
	_ = c.MarkFlagRequired("file")
	return c
}

// up is one run of the command.
type up struct {
	flags       upFlags
	out         io.Writer
	worker      *worker.Worker
	simulator   string // its address
	credentials map[string]map[string][]byte
	served      string // revision
	servedWith  fx.Credentials
	secured     bool // by TLS
	// last is what was compiled last, by region: where a resource is no longer valid, its last good version stays.
	last map[string]*plan.Region
}

func runUp(ctx context.Context, f upFlags, out io.Writer) (err error) {
	u := &up{flags: f, out: out}
	log := logr.Discard()
	if f.logLevel >= 0 {
		log = newLogger(os.Stderr, f.logLevel)
	}
	first, credentials, err := u.read(ctx) // before anything is started
	if err != nil {
		return err
	}
	data := f.data
	if data == "" {
		if data, err = os.MkdirTemp("", "qiantang-up-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	} else if err := os.MkdirAll(data, 0o750); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	location := cmp.Or(f.ledger, "sqlite://"+filepath.Join(absolute(data), "ledger.db"))
	books, err := open.Open(ctx, location, open.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, books.Close()) }()
	if u.worker, err = worker.New(worker.Options{
		ID: "up", Roles: []string{worker.RoleRouter, worker.RoleSettler}, Ledger: books, Directory: data, Log: log, Version: version,
	}); err != nil {
		return err
	}
	simulator, err := sim.New(sim.Options{Log: log.WithName("simulator")})
	if err != nil {
		return err
	}
	inside, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	u.simulator, u.credentials = inside.Addr().String(), simulator.Credentials()
	outside, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		_ = inside.Close()
		return fmt.Errorf("--listen: %w", err)
	}
	if err := u.serve(ctx, first, credentials); err != nil {
		_, _ = inside.Close(), outside.Close()
		return err
	}
	u.greet(outside.Addr().String())
	return runTogether(ctx,
		u.worker.Run,
		simulator.Run,
		func(ctx context.Context) error { return u.worker.Serve(ctx, outside, shutdownGrace) },
		func(ctx context.Context) error { return serveUntil(ctx, inside, simulator.Handler()) },
		u.watch,
	)
}

func absolute(path string) string {
	if a, err := filepath.Abs(path); err == nil {
		return a
	}
	return path
}

// read loads and compiles the folder. Findings are printed, and are an error only where nothing is left to serve.
func (u *up) read(ctx context.Context) (*plan.Region, fx.Credentials, error) {
	bundle, found, err := manifest.Load(ctx, u.flags.dir, time.Now())
	if err != nil {
		return nil, nil, err
	}
	bundle.Snapshot.Last = u.last
	result, found := bundle.Check(found)
	for _, f := range found {
		fmt.Fprintln(u.out, "✗", f)
	}
	var regions []*plan.Region
	compiled := map[string]*plan.Region{}
	credentials := fx.Credentials(bundle.Secrets)
	for _, name := range sortedNames(result.Regions) {
		compiled[name] = result.Regions[name].Plan
		regions = append(regions, compiled[name])
		addMaterials(credentials, result.Regions[name].Deployment.Materials)
	}
	merged, err := plan.Merge("local", regions...)
	if err != nil {
		return nil, nil, err
	}
	if len(merged.Corridors) == 0 {
		return nil, nil, fmt.Errorf("%s: no valid PaymentCorridor to serve", u.flags.dir)
	}
	u.last = compiled
	return merged, credentials, nil
}

// serve switches the worker to p, with simulated providers pointed at the simulator here.
func (u *up) serve(ctx context.Context, p *plan.Region, credentials fx.Credentials) error {
	if credentials == nil {
		credentials = fx.Credentials{}
	}
	if u.flags.open {
		p.API, p.Clients = nil, nil
	}
	p.Providers = slices.Clone(p.Providers)
	for i := range p.Providers {
		provider := &p.Providers[i]
		endpoint, err := url.Parse(provider.Endpoint)
		if err != nil || !strings.HasPrefix(endpoint.Hostname()+".", simulatorHost+".") {
			continue
		}
		endpoint.Scheme, endpoint.Host = "http", u.simulator
		provider.Endpoint = endpoint.String()
		if data, ok := u.credentials[provider.Adapter]; ok {
			provider.Credentials = "simulator-" + provider.Name
			credentials[provider.Credentials] = data
		}
	}
	if err := plan.Seal(p); err != nil {
		return err
	}
	if p.Revision == u.served && reflect.DeepEqual(credentials, u.servedWith) {
		return nil
	}
	if err := u.worker.Switch(ctx, p, credentials); err != nil {
		return err
	}
	u.served, u.servedWith, u.secured = p.Revision, credentials, p.API != nil && p.API.TLS
	return nil
}

func (u *up) greet(address string) {
	base := "http://" + address
	if u.secured {
		base = "https://" + address
	}
	fmt.Fprintf(u.out, "qiantang %s serves %s\n", version, u.flags.dir)
	for _, l := range [][2]string{
		{"API", base + "/v1/corridors"}, {"described at", base + "/docs and " + base + "/openapi.json"},
		{"health", base + "/readyz"}, {"metrics", base + "/metrics"}, {"simulator", "http://" + u.simulator + "/admin/report"},
	} {
		fmt.Fprintf(u.out, "  %-13s %s\n", l[0], l[1])
	}
	fmt.Fprintln(u.out, "Ctrl-C ends it.")
}

// watch serves what changes in the folder.
func (u *up) watch(ctx context.Context) error {
	last := fingerprint(u.flags.dir)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := fingerprint(u.flags.dir)
		if now == last {
			continue
		}
		last = now
		before, beforeWith := u.served, u.servedWith
		p, credentials, err := u.read(ctx)
		if err == nil {
			err = u.serve(ctx, p, credentials)
		}
		switch {
		case err != nil:
			fmt.Fprintf(u.out, "✗ %v: revision %s stays served\n", err, u.served)
		case u.served == before && !reflect.DeepEqual(u.servedWith, beforeWith):
			fmt.Fprintf(u.out, "✓ revision %s is served, with other credentials\n", u.served)
		case u.served != before:
			fmt.Fprintf(u.out, "✓ revision %s is served, with %d corridors\n", u.served, len(p.Corridors))
		default:
			fmt.Fprintf(u.out, "  revision %s stays served\n", u.served)
		}
	}
}

// fingerprint changes when a file in the folder does.
func fingerprint(dir string) string {
	var b strings.Builder
	// What cannot be read is said by the next read; here it only makes the fingerprint another one.
	_ = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			fmt.Fprintln(&b, path, err)
			return nil
		}
		fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	return b.String()
}

func serveUntil(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = srv.Shutdown(end)
	return nil
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
