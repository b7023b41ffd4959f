// Command ledger measures the ledger beside pgbench, COPY and bare inserts, all in one run on this machine, and prints Markdown.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"qiantang.dev/rails/internal/ledger/audit"
	"qiantang.dev/rails/internal/ledger/bench"
	"qiantang.dev/rails/internal/ledger/pgserver"
	"qiantang.dev/rails/internal/ledger/postgres"
	"qiantang.dev/rails/internal/ledger/sqlite"
)

var (
	seconds = flag.Int("seconds", 10, "how long each measurement takes")
	scale   = flag.Int("scale", 50, "pgbench's scale factor")
	large   = flag.Int("large", 0, "measure this instead: so many entries booked, nine of ten in one settlement window, memory watched on the way")
	noBench = flag.Bool("no-pgbench", false, "leave pgbench out")
	lite    = flag.Bool("sqlite", true, "measure the embedded ledger too")
	pg      = flag.Bool("postgres", true, "measure PostgreSQL")
)

func main() {
	flag.Parse()
	// Interrupted, it still ends the server that it started.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *large == 0 {
		fmt.Printf("Machine: %d cores, %s. Each measurement: %d s.\n\n", runtime.NumCPU(), memory(), *seconds)
	}
	if err := run(ctx); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if *pg {
		if err := onPostgres(ctx); err != nil {
			return err
		}
	}
	if *lite {
		return onSQLite(ctx)
	}
	return nil
}

var callers = []int{1, 16, 256}

func onPostgres(ctx context.Context) error {
	s, err := pgserver.Start(ctx, "", map[string]string{"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	naive, simple := map[int]float64{}, map[int]float64{}
	if !*noBench && *large == 0 {
		if err := s.Exec(ctx, "postgres", "CREATE DATABASE naive"); err != nil {
			return err
		}
		if err := bench.PgbenchInit(ctx, s, "naive", *scale); err != nil {
			return err
		}
		for _, n := range callers {
			if simple[n], err = bench.Pgbench(ctx, s, "naive", n, *seconds, "-N"); err != nil {
				return err
			}
			if naive[n], err = bench.Pgbench(ctx, s, "naive", n, *seconds); err != nil {
				return err
			}
		}
	}
	if err := s.Exec(ctx, "postgres", "CREATE DATABASE books"); err != nil {
		return err
	}
	if _, err := postgres.Migrate(ctx, s.DSN("books"), ""); err != nil {
		return err
	}
	l, err := postgres.Open(ctx, s.DSN("books"), postgres.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	if *large > 0 {
		return grown(ctx, "PostgreSQL", l)
	}
	if err := bench.Accounts(ctx, l, 10000); err != nil {
		return err
	}
	fmt.Println("| callers | accounts | bookings/s | p50 | p99 | max | × pgbench -N | × pgbench TPC-B | pgbench -N tps | TPC-B tps |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, n := range callers {
		for _, hot := range []bool{false, true} {
			r, err := bench.Load(ctx, l, bench.Config{Callers: n, Accounts: 10000, Hot: hot, For: time.Duration(*seconds) * time.Second})
			if err != nil {
				return err
			}
			which := "10,000 at random"
			if hot {
				which = "one hot"
			}
			fmt.Printf("| %d | %s | %.0f | %s | %s | %s | %s | %s | %.0f | %.0f |\n", n, which, r.PerSecond, short(r.P50), short(r.P99), short(r.Max),
				ratio(r.PerSecond, simple[n]), ratio(r.PerSecond, naive[n]), simple[n], naive[n])
		}
	}
	head, err := l.Head(ctx)
	if err != nil {
		return err
	}
	rows := int(min(head.Seq, 500_000))
	for _, per := range []int{128, 10_000} {
		bare, err := bench.Copy(ctx, s.DSN("books"), rows, per)
		if err != nil {
			return err
		}
		fmt.Printf("\nBare COPY of the same %d rows with the same keys, %d rows a commit: %.0f rows/s\n", rows, per, bare)
	}
	return verify(ctx, l)
}

func verify(ctx context.Context, l audit.Source) error {
	begin := time.Now()
	rep, err := audit.Verify(ctx, l, audit.Options{})
	if err != nil {
		return err
	}
	took := time.Since(begin)
	fmt.Printf("\nVerify: %d entries in %s, %.0f entries/s, %d findings\n", rep.Entries, took.Round(time.Millisecond), float64(rep.Entries)/took.Seconds(), len(rep.Findings))
	return nil
}

func onSQLite(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "qbench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "ledger.db")
	l, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	if *large > 0 {
		return grown(ctx, "SQLite", l)
	}
	if err := bench.Accounts(ctx, l, 10000); err != nil {
		return err
	}
	fmt.Println("\nEmbedded ledger (SQLite):")
	fmt.Println("\n| callers | accounts | bookings/s | p50 | p99 | rows a commit | bare prepared inserts/s, as many a commit | share of them |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, n := range callers {
		before, err := l.Head(ctx)
		if err != nil {
			return err
		}
		r, err := bench.Load(ctx, l, bench.Config{Callers: n, Accounts: 10000, For: time.Duration(*seconds) * time.Second})
		if err != nil {
			return err
		}
		after, err := l.Head(ctx)
		if err != nil {
			return err
		}
		per := max(1, int((after.Seq-before.Seq)/max(1, after.Batch-before.Batch)))
		bare, err := bench.SQLiteInserts(ctx, path, filepath.Join(dir, fmt.Sprintf("bare%d.db", n)), int(min(after.Seq, 3000*uint64(per), 200_000)), per)
		if err != nil {
			return err
		}
		fmt.Printf("| %d | 10,000 at random | %.0f | %s | %s | %d | %.0f | %s |\n", n, r.PerSecond, short(r.P50), short(r.P99), per, bare, ratio(r.PerSecond, bare))
	}
	return verify(ctx, l)
}

func short(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func ratio(a, b float64) string {
	if b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", a/b)
}

func memory() string {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return "unknown memory"
	}
	var kb int
	if _, err := fmt.Sscanf(string(b), "MemTotal: %d kB", &kb); err != nil {
		return "unknown memory"
	}
	return fmt.Sprintf("%d GiB", (kb+1<<19)>>20)
}
