package postgres_test

import (
	"context"
	"os"
	"runtime/pprof"
	"testing"
	"time"

	"qiantang.dev/rails/internal/ledger/bench"
	"qiantang.dev/rails/internal/ledger/engine"
)

func TestTmpLoad(t *testing.T) {
	_, dsn := database(t)
	l := open(t, dsn, engine.Options{})
	if err := bench.Accounts(context.Background(), l, 10000); err != nil {
		t.Fatal(err)
	}
	for _, hot := range []bool{false, true} {
		for _, n := range []int{1, 16, 256} {
			if n == 256 && !hot {
				f, _ := os.Create("/tmp/cpu.prof")
				_ = pprof.StartCPUProfile(f)
			}
			r, err := bench.Load(context.Background(), l, bench.Config{Callers: n, Accounts: 10000, Hot: hot, For: 4 * time.Second})
			pprof.StopCPUProfile()
			t.Logf("%d callers hot %v: %.0f/s p50 %s p99 %s max %s %v", n, hot, r.PerSecond, r.P50, r.P99, r.Max, err)
		}
	}
}
