package worker

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"qiantang.dev/rails/internal/access"
	"qiantang.dev/rails/internal/router"
)

// newHandler lays out the worker's paths: /v1/… by role, guarded; /openapi.json and /docs, and those of health, open to all.
func (w *Worker) newHandler() (http.Handler, error) {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Qiantang", w.opt.Version)
	config.Info.Description = "Quotes, payments, accounts and settlement of one region's rails."
	config.DocsPath = "" // the page that huma serves loads its script from elsewhere; ours stands alone
	config.CreateHooks = nil
	api := humago.New(mux, config)
	api.UseMiddleware(w.guard.Middleware)
	if w.router != nil {
		w.router.Register(api)
		mux.Handle(router.CallbackPattern, w.router.Callbacks())
	}
	if w.settler != nil {
		w.settler.Register(api)
	}
	registerBooks(api, w.opt.Ledger, w.opt.Clock)
	if l, ok := w.opt.Ledger.(checkpointed); ok {
		registerCheckpoints(api, l)
	}
	if err := access.Describe(api); err != nil {
		return nil, err
	}
	mux.HandleFunc("GET /docs", docsPage(api))
	w.health(mux)
	return w.guard.Secured(mux), nil
}

// health lays out what a kubelet and Prometheus ask for.
func (w *Worker) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) { answer(rw, nil) })
	mux.HandleFunc("GET /readyz", func(rw http.ResponseWriter, r *http.Request) { answer(rw, w.Ready(r.Context())) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(w.metrics, promhttp.HandlerOpts{}))
}

// Ready says why payments cannot be taken, nil where they can.
func (w *Worker) Ready(ctx context.Context) error {
	if w.served.Load() == nil {
		return errors.New("no plan served yet")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := w.opt.Ledger.Ping(ctx); err != nil {
		return err
	}
	if err := w.guard.Ready(); err != nil {
		return err
	}
	if w.router != nil {
		return w.router.Ready()
	}
	return nil
}

func answer(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(err.Error() + "\n"))
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// Serve answers on l until ctx ends, then finishes what it has begun, within grace. It speaks TLS where the plan says so.
func (w *Worker) Serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	return serve(ctx, w.guard.Listener(l), w.handler, grace)
}

// ServeHealth answers on l until ctx ends: /healthz, /readyz and /metrics, by plain HTTP whatever the plan says. What asks there has no
// part in the API's certificates, and a pod's probes cannot follow a plan.
func (w *Worker) ServeHealth(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	w.health(mux)
	return serve(ctx, l, mux, time.Second)
}

func serve(ctx context.Context, l net.Listener, h http.Handler, grace time.Duration) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return srv.Shutdown(end)
}

func processCollectors() []prometheus.Collector {
	return []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
}

// transport is shared by all providers: connections are kept, and no one host may take them all.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 512
	t.MaxIdleConnsPerHost = 64
	t.MaxConnsPerHost = 256
	t.ResponseHeaderTimeout = 30 * time.Second
	return t
}
