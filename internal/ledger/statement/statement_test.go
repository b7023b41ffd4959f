package statement_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/iso20022/isotest"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	lt "qiantang.dev/rails/internal/ledger/ledgertest"
	"qiantang.dev/rails/internal/ledger/sqlite"
	"qiantang.dev/rails/internal/ledger/statement"
	"qiantang.dev/rails/internal/money"
)

var day1 = time.Date(2026, 10, 12, 8, 0, 0, 0, time.UTC)

func books(t *testing.T) (*sqlite.Ledger, func(time.Duration)) {
	now := day1
	opt := sqlite.Options{Options: engine.Options{Clock: func() time.Time { return now }, SweepEvery: -1}}
	l, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "ledger.db"), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	apply(t, l, ledger.Commit{Accounts: lt.Fixtures(), Transfers: []ledger.Transfer{lt.Move(lt.Funding, lt.Alice, lt.USD(100000))}})
	return l, func(d time.Duration) { now = now.Add(d) }
}

func apply(t *testing.T, l ledger.Ledger, c ledger.Commit) {
	t.Helper()
	if _, err := l.Apply(context.Background(), c); err != nil {
		t.Fatal(err)
	}
}

func TestStatementIsValidAndAddsUp(t *testing.T) {
	l, advance := books(t)
	advance(24 * time.Hour)
	move := lt.Move(lt.Alice, lt.Clearing, lt.USD(2500))
	move.Reference, move.Window, move.ValueDate = "P-1", "shanghai-daily@2026-10-13T09:00:00Z#1", day1
	long := lt.Move(lt.Alice, lt.Fees, lt.USD(100))
	long.Reference, long.Code = strings.Repeat("r", 64), strings.Repeat("c", 32)
	hold := lt.Hold(lt.Alice, lt.Clearing, lt.USD(700))
	void := lt.Hold(lt.Alice, lt.Clearing, lt.USD(800))
	apply(t, l, ledger.Commit{Transfers: []ledger.Transfer{
		move, long, hold, lt.End(ledger.Post, hold.ID, lt.USD(300)), void, lt.End(ledger.Void, void.ID, money.Amount{}), lt.End(ledger.Reverse, move.ID, lt.USD(500)),
	}})
	advance(24 * time.Hour)
	apply(t, l, ledger.Commit{Transfers: []ledger.Transfer{lt.Move(lt.Alice, lt.Fees, lt.USD(1))}})
	for account, want := range map[string]string{lt.Alice: "976.00", lt.Funding: "1000.00", lt.Fees: "1.00"} {
		var out bytes.Buffer
		shown, err := statement.Write(context.Background(), l, &out, statement.Request{
			Account: account, From: day1.Add(time.Hour), To: day1.Add(30 * time.Hour), Created: day1.Add(50 * time.Hour),
		})
		if err != nil {
			t.Fatalf("%s: %v", account, err)
		}
		if got := strings.Count(out.String(), "<Ntry>"); uint64(got) != shown || account == lt.Alice && shown != 4 {
			t.Fatalf("%s: %d entries, said %d", account, got, shown)
		}
		if !strings.Contains(out.String(), want) {
			t.Fatalf("%s: no %s in\n%s", account, want, &out)
		}
		isotest.Valid(t, "camt.053.001.08", out.Bytes())
	}
}

func TestStatementRefusals(t *testing.T) {
	l, _ := books(t)
	var invalid *ledger.InvalidError
	if _, err := statement.Write(context.Background(), l, &bytes.Buffer{}, statement.Request{Account: lt.Alice, From: day1, To: day1}); !errors.As(err, &invalid) {
		t.Fatalf("got %v", err)
	}
	var none *ledger.NotFoundError
	if _, err := statement.Write(context.Background(), l, &bytes.Buffer{}, statement.Request{Account: "nobody", From: day1, To: day1.Add(1)}); !errors.As(err, &none) {
		t.Fatalf("got %v", err)
	}
	wantErr := errors.New("pipe")
	if _, err := statement.Write(context.Background(), l, failing{wantErr}, statement.Request{Account: lt.Alice, From: day1.Add(-time.Hour), To: day1.Add(time.Hour)}); !errors.Is(err, wantErr) {
		t.Fatalf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// counter counts bytes and keeps none.
type counter struct{ n int }

func (c *counter) Write(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}

func TestManyEntriesStreamInBoundedMemory(t *testing.T) {
	l, advance := books(t)
	const n = 60_000
	for i := 0; i < n; i += 1000 {
		c := ledger.Commit{}
		for range 1000 {
			c.Transfers = append(c.Transfers, lt.Move(lt.Funding, lt.Clearing, lt.USD(1)))
		}
		apply(t, l, c)
	}
	advance(time.Hour)
	var out counter
	var last, peak uint64
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	before := mem.HeapAlloc
	shown, err := statement.Write(context.Background(), l, &out, statement.Request{
		Account: lt.Clearing, From: day1.Add(-time.Hour), To: day1.Add(time.Hour), Created: day1, Progress: func(done, total uint64) {
			if total != n || done < last {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
			if done%20000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&mem)
				peak = max(peak, mem.HeapAlloc-min(before, mem.HeapAlloc))
			}
		},
	})
	if err != nil || shown != n || last != n {
		t.Fatalf("%d shown, progress %d, %v", shown, last, err)
	}
	if peak > 24<<20 {
		t.Fatalf("%s held while %s were written", fmt.Sprint(peak>>20, " MiB"), fmt.Sprint(out.n>>20, " MiB"))
	}
}
