package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/merkle"
	"qiantang.dev/rails/internal/money"
)

// proven checks the batches of a store against each other: numbers, hashes, and that the balance rows and window positions that they wrote
// are what their entries add up to. It returns how often each ID was booked.
func proven(t *testing.T, m *memory) map[uuid.UUID]int {
	t.Helper()
	log, err := merkle.Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen, sums := map[uuid.UUID]int{}, map[uint64]*Sums{}
	windows, written := newState(0), map[windowKey]WindowRow{}
	rows := map[uint64]BalanceRow{}
	last := map[uint64]uint64{} // account → its last entry
	var entries []Row
	counted := uint64(0)
	for _, b := range m.batches {
		for i := range b.Entries {
			r := b.Entries[i]
			if r.Seq != log.Size()+1 {
				t.Fatalf("entry %d follows %d", r.Seq, log.Size())
			}
			hash := merkle.LeafHash(r.AppendCanonical(nil))
			if _, err := log.Append(hash, nil); err != nil || merkle.Short(hash) != r.Sum {
				t.Fatalf("entry %d has another checksum, or %v", r.Seq, err)
			}
			seen[r.ID]++
			for _, no := range [2]uint64{r.DebitNo, r.CreditNo} {
				if sums[no] == nil {
					sums[no] = &Sums{}
				}
				last[no] = r.Seq
			}
			Apply(&r.Entry, sums[r.DebitNo], sums[r.CreditNo])
			entries = append(entries, r)
		}
		if !bytes.Equal(log.Frontier(), b.Next.Journal) || b.Next.Seq != log.Size() {
			t.Fatalf("batch %d: the head is not that of its entries", b.Next.Batch)
		}
		for _, row := range b.Balances {
			if row.Seq != b.Next.Seq || sums[row.No] == nil || row.Sums != *sums[row.No] {
				t.Fatalf("batch %d: balance %+v, the entries make %+v", b.Next.Batch, row, sums[row.No])
			}
			rows[row.No] = row
		}
		for no, seq := range last {
			if row := rows[no].Seq; row < seq && row < b.Next.Flushed && lastUpTo(entries, no, b.Next.Flushed) > row {
				t.Fatalf("batch %d: account %d is written up to %d, all are said to be up to %d", b.Next.Batch, no, row, b.Next.Flushed)
			}
		}
		for _, w := range b.Windows {
			k := windowKey{w.Window, w.No}
			sum := written[k]
			written[k] = WindowRow{w.Window, w.No, sum.Debits + w.Debits, sum.Credits + w.Credits, sum.Count + w.Count}
		}
		for ; counted < b.Next.Windows; counted++ {
			windows.addWindow(&entries[counted], 1)
		}
	}
	for k, w := range windows.windows {
		if written[k] != *w {
			t.Fatalf("window %v: written %+v, the entries make %+v", k, written[k], *w)
		}
		delete(written, k)
	}
	if len(written) > 0 {
		t.Fatalf("positions of nothing: %v", written)
	}
	return seen
}

func lastUpTo(entries []Row, no, until uint64) (seq uint64) {
	for i := range entries[:min(until, uint64(len(entries)))] {
		if r := &entries[i]; r.DebitNo == no || r.CreditNo == no {
			seq = r.Seq
		}
	}
	return seq
}

// TestWhatIsPlannedAheadOutlivesFaults books from many callers, in one and in two processes, while writes fail in every way.
func TestWhatIsPlannedAheadOutlivesFaults(t *testing.T) {
	faults := []error{ErrMoved, ErrDuplicate, ErrRetry, ErrAway, errLost, &RefusedError{errors.New("disk full")}}
	for _, engines := range []int{1, 2} {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("%d engines, seed %d", engines, seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 3))
				m := &memory{fault: func(int) (bool, error) { // under the store's lock
					if r.IntN(6) > 0 {
						return true, nil
					}
					err := faults[r.IntN(len(faults))]
					return errors.Is(err, errLost) && r.IntN(2) == 0, err
				}}
				var es []*Engine
				for range engines {
					es = append(es, started(t, m, Options{TailTarget: 40, MaxBatch: 60, MaxCached: 64}))
				}
				setup := two()
				for i := range 30 {
					setup.Accounts = append(setup.Accounts, ledger.Account{ID: fmt.Sprintf("c%d", i), Type: ledger.Liability, Currency: "USD"})
				}
				apply(t, es[0], setup)
				var mu sync.Mutex
				acknowledged, tried := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
				var wg sync.WaitGroup
				for i := range 24 {
					wg.Go(func() { caller(t, es[i%engines], i, &mu, acknowledged, tried) })
				}
				wg.Wait()
				for _, e := range es {
					e.Close()
				}
				seen := proven(t, m)
				for id := range acknowledged {
					if seen[id] != 1 {
						t.Errorf("%s was acknowledged, and booked %d times", id, seen[id])
					}
				}
				for id, n := range seen {
					if n != 1 || !tried[id] {
						t.Errorf("%s was booked %d times", id, n)
					}
				}
			})
		}
	}
}

// apply books c, again where the outcome is open.
func apply(t *testing.T, e *Engine, c ledger.Commit) bool {
	t.Helper()
	for range 50 {
		_, err := e.Apply(context.Background(), c)
		var away *ledger.UnavailableError
		if err == nil {
			return true
		}
		if !errors.As(err, &away) {
			t.Errorf("%v", err)
			return false
		}
	}
	return false
}

func caller(t *testing.T, e *Engine, no int, mu *sync.Mutex, acknowledged, tried map[uuid.UUID]bool) {
	key := fmt.Sprintf("payment %d", no)
	for i := range 30 {
		hold := ledger.Transfer{ID: uuid.New(), Kind: ledger.Reserve, Debit: fmt.Sprintf("c%d", (no+i)%30), Credit: "b", Amount: money.FromMinor(int64(1+i), "USD")}
		post := ledger.Transfer{ID: uuid.New(), Kind: ledger.Post, Ref: hold.ID, Window: fmt.Sprintf("w%d", i/20)}
		mu.Lock()
		tried[hold.ID], tried[post.ID] = true, true
		mu.Unlock()
		for k, c := range []ledger.Commit{
			{Transfers: []ledger.Transfer{hold}, Puts: []ledger.Put{{Kind: "k", Key: key, Expect: int64(2 * i), Body: []byte(`"` + hold.ID.String() + `"`)}}},
			{Transfers: []ledger.Transfer{post}, Puts: []ledger.Put{{Kind: "k", Key: key, Expect: int64(2*i + 1), Body: []byte(`"` + post.ID.String() + `"`)}}},
		} {
			if !apply(t, e, c) {
				return
			}
			mu.Lock()
			acknowledged[c.Transfers[0].ID] = true
			mu.Unlock()
			if (no+i+k)%7 == 0 { // what fails is told, and disturbs nobody
				again := ledger.Transfer{ID: uuid.New(), Kind: ledger.Post, Ref: hold.ID, Amount: money.FromMinor(1_000, "USD")}
				if _, err := e.Apply(context.Background(), ledger.Commit{Transfers: []ledger.Transfer{again}}); err == nil {
					t.Error("more was posted than reserved")
				}
			}
		}
	}
}

func TestGroupsAreOfOneTime(t *testing.T) {
	m := &memory{}
	started := started(t, m, Options{})
	apply(t, started, two())
	started.Close()
	now := time.Now()
	e := &Engine{store: m, state: started.state, opt: Options{Clock: func() time.Time { return now }}.withDefaults()}
	a := e.gather()
	request := func() *request {
		c := move()
		return &request{commit: &c, size: 2, result: make(chan result, 1)}
	}
	e.add(a, request())
	now = now.Add(staleness - time.Millisecond)
	e.add(a, request())
	if a.alone || len(a.plan.entries) != 2 {
		t.Fatalf("planned ahead: %+v", a)
	}
	now = now.Add(2 * time.Millisecond)
	e.add(a, request())
	e.add(a, request())
	if !a.alone || len(a.group) != 4 || a.plan != nil || len(e.state.undo) > 0 {
		t.Fatalf("what came later was planned at the same time: %+v", a)
	}
}

func TestClosingAnswersEverybody(t *testing.T) {
	m := &memory{}
	e := started(t, m, Options{MaxBatch: 20, SweepEvery: time.Millisecond})
	apply(t, e, two())
	var mu sync.Mutex
	acknowledged := map[uuid.UUID]bool{}
	enough := make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	for range 24 {
		wg.Go(func() {
			for {
				c := move()
				if _, err := e.Apply(context.Background(), c); err != nil {
					if !errors.Is(err, errClosed) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				acknowledged[c.Transfers[0].ID] = true
				if len(acknowledged) > 500 && m.sweeps.Load() > 1 { // it is looked for reserves between batches, too
					once.Do(func() { close(enough) })
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	e.Close()
	wg.Wait()
	seen := proven(t, m)
	if len(seen) != len(acknowledged) {
		t.Fatalf("%d were booked, %d acknowledged", len(seen), len(acknowledged))
	}
	for id := range acknowledged {
		if seen[id] != 1 {
			t.Errorf("%s was booked %d times", id, seen[id])
		}
	}
}
