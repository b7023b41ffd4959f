package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"qiantang.dev/rails/internal/ledger/pgserver"
	"qiantang.dev/rails/internal/ledger/postgres"
	"qiantang.dev/rails/pkg/client"
	"qiantang.dev/rails/test/stage"
)

// provider is one whose protocol signs with HMAC: with one that signs every message by RSA, what would be measured is RSA.
const provider = "openfx"

// account that pays for everything.
const account = "customer:bench:USD"

// stand is a worker under test.
type stand struct {
	*stage.Process
	url       string
	simulator *stage.Simulator
	// database is the processor time that the database has used; nil where it is in the worker.
	database func() (time.Duration, error)
	closers  []func()
}

func (s *stand) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

// raise starts simulator, database and worker, and puts money into the account.
func raise(ctx context.Context, store string, corridors int) (*stand, error) {
	s := &stand{}
	if err := s.raise(ctx, store, corridors); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stand) raise(ctx context.Context, store string, corridors int) error {
	dir, err := os.MkdirTemp("", "qiantang-bench-")
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() { _ = os.RemoveAll(dir) })
	if s.simulator, err = stage.StartSimulator(ctx, *program, filepath.Join(dir, "keys")); err != nil {
		return err
	}
	s.closers = append(s.closers, s.simulator.Kill)
	if err := script(ctx, dir, s.simulator, corridors); err != nil {
		return err
	}
	url := "sqlite://" + filepath.Join(dir, "ledger.db")
	if store == "PostgreSQL" {
		pg, err := pgserver.Start(ctx, "", map[string]string{"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"})
		if err != nil {
			return err
		}
		s.closers = append(s.closers, func() { _ = pg.Close() })
		if err := pg.Exec(ctx, "postgres", "CREATE DATABASE books"); err != nil {
			return err
		}
		if _, err := postgres.Migrate(ctx, pg.DSN("books"), ""); err != nil {
			return err
		}
		url = pg.DSN("books")
		s.database = func() (time.Duration, error) { return postmasterCPU(pg.Data()) }
	}
	address, err := stage.FreeAddress(ctx)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if s.Process, err = stage.Start("worker", self, "-serve", dir, "-ledger", url, "-listen", address, "-pprof", *profile); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Kill)
	s.url = "http://" + address
	ready, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := s.Await(ready, s.url+"/readyz"); err != nil {
		return err
	}
	return s.fund(ctx)
}

// script writes the plan that the worker reads.
func script(ctx context.Context, dir string, simulator *stage.Simulator, corridors int) error {
	resources := filepath.Join(dir, "resources")
	if err := os.Mkdir(resources, 0o700); err != nil {
		return err
	}
	r := stage.Resources{Simulator: simulator.URL, Providers: []string{provider}, Credentials: simulator.Credentials, Corridors: corridors}
	if err := r.Write(resources); err != nil {
		return err
	}
	region, creds, err := stage.Plan(ctx, resources)
	if err != nil {
		return err
	}
	for name, v := range map[string]any{planFile: region, credentialsFile: creds} {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// postmasterCPU is what the server of a data directory and its sessions have used.
func postmasterCPU(data string) (time.Duration, error) {
	b, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return 0, err
	}
	return stage.FamilyCPU(pid)
}

func (s *stand) fund(ctx context.Context) error {
	c, err := client.New(s.url, nil)
	if err != nil {
		return err
	}
	if _, err := c.OpenAccount(ctx, client.AccountRequest{Owner: "bench", Currency: "USD"}); err != nil {
		return err
	}
	for i := range 9 {
		if _, err := c.Deposit(ctx, fmt.Sprint("fund-", i), client.DepositRequest{Account: account, Amount: client.Money{Currency: "USD", Value: "900000000.00"}}); err != nil {
			return err
		}
	}
	return nil
}

// metric reads the sum of a metric's values.
func (s *stand) metric(ctx context.Context, name string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	var sum float64
	for scan := bufio.NewScanner(resp.Body); scan.Scan(); {
		key, value, _ := strings.Cut(scan.Text(), " ")
		if label, _, _ := strings.Cut(key, "{"); label != name {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

// settle waits until no payment is under way any more, and says how long that took.
func (s *stand) settle(ctx context.Context) (time.Duration, error) {
	begin := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := s.metric(ctx, "qiantang_router_payments_in_memory")
		if err != nil || n == 0 {
			return time.Since(begin), err
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("%.0f payments are still under way: %w", n, ctx.Err())
		case <-tick.C:
		}
	}
}
