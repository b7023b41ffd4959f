package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

var (
	program   = flag.String("qiantang", "bin/qiantang", "the program that is the simulator")
	vegeta    = flag.String("vegeta", "vegeta", "vegeta's program")
	seconds   = flag.Int("seconds", 15, "how long each load lasts")
	stores    = flag.String("stores", "PostgreSQL,SQLite", "where the ledger is")
	batchSize = flag.Int("batch", 10_000, "lines of a batch")
	corridors = flag.Int("corridors", 10_000, "corridors of the worker whose memory is measured; 0: leave that out")
	machine   = flag.String("json", "", "file for the results as JSON")
	profile   = flag.String("pprof", "", "address at which the worker serves profiles")

	served    = flag.String("serve", "", "be the worker of the stage in this folder")
	ledgerURL = flag.String("ledger", "", "the worker's ledger")
	listen    = flag.String("listen", "", "the worker's address")
)

// connections of the load.
const connections = 64

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *served != "" {
		err = serve(ctx, *served, *ledgerURL, *listen, *profile)
	} else {
		err = run(ctx, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// result is one store's.
type result struct {
	Store  string        `json:"store"`
	Load   *attack       `json:"load"`
	Single *attack       `json:"single"`
	Drain  time.Duration `json:"drain"`
	Batch  float64       `json:"batchPerSecond"`
	// Processor time a payment, by process.
	Worker    time.Duration `json:"workerCPU"`
	Database  time.Duration `json:"databaseCPU"`
	Simulator time.Duration `json:"simulatorCPU"`
	Generator time.Duration `json:"vegetaCPU"`
}

// memory of a worker with many corridors.
type memory struct {
	Store       string `json:"store"`
	Corridors   int    `json:"corridors"`
	Served      int64  `json:"servedBytes"`
	Most        int64  `json:"mostBytes"`
	UnderLoad   int64  `json:"underLoadBytes"`
	MostOverall int64  `json:"mostUnderLoadBytes"`
}

func run(ctx context.Context, out io.Writer) error {
	var all struct {
		Results []*result `json:"router"`
		Memory  []*memory `json:"memory,omitempty"`
	}
	names := strings.FieldsFunc(*stores, func(r rune) bool { return r == ',' })
	fmt.Fprintf(out, "| ledger | %d connections | p50 | p99 | max | paid out after | one connection p50 | p99 | batch of %d | CPU a payment: worker | database | simulator | vegeta |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n", connections, *batchSize)
	for _, store := range names {
		r, err := measure(ctx, store)
		if err != nil {
			return fmt.Errorf("%s: %w", store, err)
		}
		all.Results = append(all.Results, r)
		fmt.Fprintf(out, "| %s | %.0f/s | %s | %s | %s | %s | %s | %s | %.0f/s | %s | %s | %s | %s |\n", store, r.Load.Throughput, ms(r.Load.Latencies.P50), ms(r.Load.Latencies.P99),
			ms(r.Load.Latencies.Max), ms(r.Drain), ms(r.Single.Latencies.P50), ms(r.Single.Latencies.P99), r.Batch, us(r.Worker), us(r.Database), us(r.Simulator), us(r.Generator))
	}
	if *corridors > 0 {
		fmt.Fprintf(out, "\n| ledger | memory (RSS) with %d corridors, when ready | most until then | under load of %d connections | most |\n|---|---|---|---|---|\n", *corridors, connections)
		for _, store := range names {
			m, err := weigh(ctx, store)
			if err != nil {
				return fmt.Errorf("memory on %s: %w", store, err)
			}
			all.Memory = append(all.Memory, m)
			fmt.Fprintf(out, "| %s | %s | %s | %s | %s |\n", store, mib(m.Served), mib(m.Most), mib(m.UnderLoad), mib(m.MostOverall))
		}
	}
	if *machine == "" {
		return nil
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*machine, append(b, '\n'), 0o600)
}

func measure(ctx context.Context, store string) (*result, error) {
	s, err := raise(ctx, store, 1)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if _, err := vegetaAttack(ctx, s, "warm", connections, 2*time.Second); err != nil { // connections, caches, quotes
		return nil, err
	}
	if _, err := s.settle(ctx); err != nil {
		return nil, err
	}
	r := &result{Store: store}
	if r.Single, err = vegetaAttack(ctx, s, "single", 1, time.Duration(min(5, *seconds))*time.Second); err != nil {
		return nil, err
	}
	if _, err := s.settle(ctx); err != nil {
		return nil, err
	}
	before, err := s.cpu()
	if err != nil {
		return nil, err
	}
	if r.Load, err = vegetaAttack(ctx, s, "load", connections, time.Duration(*seconds)*time.Second); err != nil {
		return nil, err
	}
	if r.Drain, err = s.settle(ctx); err != nil {
		return nil, err
	}
	after, err := s.cpu()
	if err != nil {
		return nil, err
	}
	each := func(i int) time.Duration { return (after[i] - before[i]) / time.Duration(r.Load.Requests) }
	r.Worker, r.Database, r.Simulator, r.Generator = each(0), each(1), each(2), r.Load.CPU/time.Duration(r.Load.Requests)
	var took []time.Duration
	for i := range 3 {
		d, err := batch(ctx, s, fmt.Sprint("batch-", i), *batchSize)
		if err != nil {
			return nil, err
		}
		took = append(took, d)
		if _, err := s.settle(ctx); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(took, func(a, b time.Duration) int { return cmp.Compare(a, b) })
	r.Batch = float64(*batchSize) / took[1].Seconds()
	return r, nil
}

// cpu is what worker, database and simulator have used so far.
func (s *stand) cpu() (used [3]time.Duration, err error) {
	var errs [3]error
	used[0], errs[0] = s.CPU()
	if s.database != nil {
		used[1], errs[1] = s.database()
	}
	used[2], errs[2] = s.simulator.CPU()
	return used, errors.Join(errs[:]...)
}

// weigh measures the memory of a worker with many corridors.
func weigh(ctx context.Context, store string) (*memory, error) {
	s, err := raise(ctx, store, *corridors)
	if err != nil {
		return nil, err
	}
	defer s.close()
	m := &memory{Store: store, Corridors: *corridors}
	if m.Served, m.Most, err = s.Memory(); err != nil {
		return nil, err
	}
	if _, err := vegetaAttack(ctx, s, "weigh", connections, time.Duration(min(10, *seconds))*time.Second); err != nil {
		return nil, err
	}
	m.UnderLoad, m.MostOverall, err = s.Memory()
	return m, err
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
func us(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }
func mib(n int64) string        { return fmt.Sprintf("%d MiB", n>>20) }
