package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	_ "net/http/pprof" // where -pprof asks for it
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-logr/logr/funcr"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger/open"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/worker"
)

// The files of a stage.
const (
	planFile        = "plan.json"
	credentialsFile = "credentials.json"
)

// serve is the worker, in the process that is measured.
func serve(ctx context.Context, dir, ledgerURL, listen, profile string) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := funcr.New(func(_, args string) { println(args) }, funcr.Options{})
	books, err := open.Open(ctx, ledgerURL, open.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = books.Close() }()
	w, err := worker.New(worker.Options{
		ID: "bench", Roles: []string{worker.RoleRouter, worker.RoleSettler}, Ledger: books, Directory: dir, Log: log, Version: "bench",
	})
	if err != nil {
		return err
	}
	if err := take(ctx, w, dir); err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	if profile != "" {
		go func() { log.Error(http.ListenAndServe(profile, nil), "profile") }() //nolint:gosec // for whoever profiles, on loopback
	}
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	if err := w.Serve(ctx, l, 5*time.Second); err != nil {
		return err
	}
	stop()
	return <-done
}

// take reads the plan as an agent would, and serves it.
func take(ctx context.Context, w *worker.Worker, dir string) error {
	sealed, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil {
		return err
	}
	region, err := plan.Decode(sealed)
	if err != nil {
		return err
	}
	secret, err := os.ReadFile(filepath.Join(dir, credentialsFile))
	if err != nil {
		return err
	}
	var creds fx.Credentials
	if err := json.Unmarshal(secret, &creds); err != nil {
		return err
	}
	return w.Switch(ctx, region, creds)
}
