package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"qiantang.dev/rails/internal/sim"
)

func newSimCommand() *cobra.Command {
	var listen, faults string
	var o sim.Options
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Simulate providers, reference rates and a clearing system",
		Long: `Serves /pingpong, /lianlian, /antom, /openfx, /ecb and /clearing, each as strict as the real one, and /admin:
  GET   /admin/report            what was really paid, and whether anything was paid twice (?entries=true lists all)
  GET   /admin/payouts           every payout, one JSON object a line
  PATCH /admin/faults/{provider} misbehave: {"latency":"50ms","errorBps":100,"unknownBps":100,"slowBps":100,"slow":"3s","lateBps":500,"late":"10s"}`,
		Example: `  qiantang sim --listen 127.0.0.1:9090 --keys ./sim-keys
  qiantang sim --faults '{"pingpong":{"spreadBps":25,"unknownBps":100}}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if faults != "" {
				if err := yaml.UnmarshalStrict([]byte(faults), &o.Faults); err != nil {
					return fmt.Errorf("--faults: %w", err)
				}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return runSim(ctx, o, listen, cmd)
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:9090", "address to listen on")
	f.StringVar(&o.Keys, "keys", "", "directory of key material, made where missing (default: fresh keys in memory)")
	f.StringVar(&o.Rates, "rates", "", "ECB history as CSV (default: the rates of 13 April 2026)")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the dice")
	f.StringVar(&faults, "faults", "", "faults by provider, as JSON or YAML")
	f.DurationVar(&o.QuoteValidity, "quote-validity", time.Minute, "how long rates are firm")
	f.DurationVar(&o.MaxSkew, "max-skew", 5*time.Minute, "how far a request's time may be off")
	f.StringVar(&o.Webhooks, "webhooks", "", "URL that LianLian's notifications go to")
	f.DurationVar(&o.WebhookInterval, "webhook-interval", 10*time.Second, "time before a notification is first repeated")
	cmd.AddCommand(newSimCredentialsCommand(), newSimConformanceCommand())
	return cmd
}

func runSim(ctx context.Context, o sim.Options, listen string, cmd *cobra.Command) error {
	o.Log = funcr.New(func(prefix, args string) { cmd.PrintErrln(prefix, args) }, funcr.Options{})
	s, err := sim.New(o)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	cmd.Printf("simulator: http://%s  (pingpong, lianlian, antom, openfx, ecb, clearing, admin)\n", l.Addr())
	done := make(chan error, 2)
	go func() { done <- s.Run(ctx) }()
	go func() { done <- server.Serve(l) }()
	select {
	case <-ctx.Done():
	case err = <-done:
		if ctx.Err() == nil && err != nil {
			return err
		}
	}
	closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(closing); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func newSimCredentialsCommand() *cobra.Command {
	var keys, namespace, name, own, ownNamespace string
	cmd := &cobra.Command{
		Use:   "credentials",
		Short: "Write the Secrets with which workers reach the simulator",
		Long: `Prints Kubernetes Secrets: for each simulated provider the credentials that a worker needs, and, with --simulator-secret, the
simulator's own key material, to be mounted where --keys of "qiantang sim" points.`,
		Example: `  qiantang sim credentials --keys ./sim-keys --namespace demo | kubectl apply -f -`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if keys == "" {
				return errors.New("--keys: want the simulator's key directory")
			}
			s, err := sim.New(sim.Options{Keys: keys})
			if err != nil {
				return err
			}
			docs := []any{}
			for adapter, data := range s.Credentials() {
				docs = append(docs, secret(namespace, strings.ReplaceAll(name, "{adapter}", strings.ToLower(adapter)), data))
			}
			if own != "" {
				files, err := s.KeyFiles()
				if err != nil {
					return err
				}
				docs = append(docs, secret(ownNamespace, own, files))
			}
			list, err := json.MarshalIndent(map[string]any{"apiVersion": "v1", "kind": "List", "items": docs}, "", "  ")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), string(list))
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&keys, "keys", "", "the simulator's key directory, made where missing")
	f.StringVar(&namespace, "namespace", "demo", "namespace of the workers' Secrets")
	f.StringVar(&name, "name", "{adapter}-credentials", "name of each Secret; {adapter} is pingpong, lianlian, antom or openfx")
	f.StringVar(&own, "simulator-secret", "", "also write the simulator's own keys as a Secret of this name")
	f.StringVar(&ownNamespace, "simulator-namespace", "qiantang-simulator", "namespace of the simulator's own Secret")
	return cmd
}

// secret is a Kubernetes Secret; its data is written in base64, as encoding/json does for bytes.
func secret(namespace, name string, data map[string][]byte) map[string]any {
	return map[string]any{"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
		"metadata": map[string]string{"name": name, "namespace": namespace}, "data": data}
}
