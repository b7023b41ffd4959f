package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

// memory is a store that keeps batches in memory and fails as it is told.
type memory struct {
	mu, held sync.Mutex
	batches  []*Batch
	// fault decides what becomes of a write: whether it is kept, and which error is answered.
	fault func(write int) (keep bool, err error)
	// gate, where set, holds every write until something is sent.
	gate   chan struct{}
	writes int
	sweeps atomic.Int64
}

func (m *memory) head() Head {
	if len(m.batches) == 0 {
		return Head{}
	}
	return m.batches[len(m.batches)-1].Next
}

func (m *memory) Write(_ context.Context, b *Batch) error {
	if m.gate != nil {
		<-m.gate
	}
	m.held.Lock()
	defer m.held.Unlock()
	return m.write(b)
}

func (m *memory) write(b *Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	keep, err := true, error(nil)
	if m.fault != nil {
		keep, err = m.fault(m.writes)
	}
	m.writes++
	if h := m.head(); h.Batch != b.Prev.Batch || h.BatchID != b.Prev.BatchID {
		return ErrMoved
	}
	if keep {
		m.batches = append(m.batches, b)
	}
	return err
}

func (m *memory) Begin(context.Context) (Tx, error) {
	m.held.Lock()
	return &memoryTx{memory: m}, nil
}

func (m *memory) DueReserves(context.Context, int64, int64) (bool, error) {
	m.sweeps.Add(1)
	return false, nil
}

// memoryTx holds the head.
type memoryTx struct {
	*memory
	over bool
}

func (t *memoryTx) Write(_ context.Context, b *Batch) error {
	if t.gate != nil {
		<-t.gate
	}
	defer t.Rollback()
	return t.write(b)
}

func (t *memoryTx) Rollback() {
	if !t.over {
		t.over = true
		t.held.Unlock()
	}
}

// kept are the batches so far.
func (t *memoryTx) kept() []*Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.batches)
}

func (t *memoryTx) Head() Head {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head()
}

func (t *memoryTx) Batches(_ context.Context, nos []uint64) (map[uint64]uuid.UUID, error) {
	out := map[uint64]uuid.UUID{}
	for _, b := range t.kept() {
		for _, no := range nos {
			if b.Next.Batch == no {
				out[no] = b.ID
			}
		}
	}
	return out, nil
}

func (t *memoryTx) Tail(_ context.Context, after uint64) ([]Row, error) {
	var out []Row
	for _, b := range t.kept() {
		for _, r := range b.Entries {
			if r.Seq > after {
				out = append(out, r)
			}
		}
	}
	return out, nil
}

func (t *memoryTx) all() []LoadedAccount {
	var out []LoadedAccount
	for _, b := range t.kept() {
		for _, a := range b.Accounts {
			out = append(out, LoadedAccount{AccountRow: a})
		}
		for _, row := range b.Balances {
			out[row.No-1].Balance = row
		}
	}
	return out
}

func (t *memoryTx) Load(_ context.Context, need Need) (Loaded, error) {
	var l Loaded
	rows, _ := t.Tail(context.Background(), 0)
	for _, id := range need.Transfers {
		for _, r := range rows {
			if r.ID == id {
				lt := LoadedTransfer{Row: r}
				for _, later := range rows {
					ends := later.Kind == ledger.Post || later.Kind == ledger.Void
					lt.Ended = lt.Ended || later.Ref == id && ends
				}
				l.Transfers = append(l.Transfers, lt)
				need.Accounts = append(slices.Clone(need.Accounts), r.Debit, r.Credit)
			}
		}
	}
	for _, a := range t.all() {
		if slices.Contains(need.Accounts, a.ID) {
			l.Accounts = append(l.Accounts, a)
		}
	}
	for _, name := range need.Records {
		var last *ledger.Record
		for _, b := range t.kept() {
			for i := range b.Records {
				if r := &b.Records[i].Record; r.Kind == name.Kind && r.Key == name.Key {
					last = r
				}
			}
		}
		if last != nil {
			l.Records = append(l.Records, *last)
		}
	}
	return l, nil
}

func (t *memoryTx) AccountsByNo(_ context.Context, nos []uint64) ([]LoadedAccount, error) {
	var out []LoadedAccount
	for _, no := range nos {
		out = append(out, t.all()[no-1])
	}
	return out, nil
}

func (t *memoryTx) Expiring(context.Context, int64, int64, int) ([]LoadedTransfer, error) {
	return nil, nil
}

func started(t *testing.T, m *memory, opt Options) *Engine {
	t.Helper()
	if opt.SweepEvery == 0 {
		opt.SweepEvery = -1
	}
	e := New(m, opt)
	t.Cleanup(e.Close)
	return e
}

func two() ledger.Commit {
	return ledger.Commit{Accounts: []ledger.Account{
		{ID: "a", Type: ledger.Asset, Currency: "USD"}, {ID: "b", Type: ledger.Liability, Currency: "USD"},
	}}
}

func move() ledger.Commit {
	return ledger.Commit{Transfers: []ledger.Transfer{{ID: uuid.New(), Kind: ledger.Immediate, Debit: "a", Credit: "b", Amount: money.FromMinor(1, "USD")}}}
}

var errLost = errors.New("connection lost")

func TestOutcomeOfALostCommitIsFoundOut(t *testing.T) {
	for name, fault := range map[string]func(int) (bool, error){
		"committed":         func(n int) (bool, error) { return true, lostAt(n, 1) },
		"not committed":     func(n int) (bool, error) { return n != 1, lostAt(n, 1) },
		"twice, not at all": func(n int) (bool, error) { return n != 1 && n != 2, errors.Join(lostAt(n, 1), lostAt(n, 2)) },
		"every other time":  func(n int) (bool, error) { return n%3 != 0 || n%2 == 0, lostAt(n%2, 1) },
		"rolled back":       func(n int) (bool, error) { return n != 1, wrapAt(n, 1, ErrRetry) },
		"moved, it says":    func(n int) (bool, error) { return n != 1, wrapAt(n, 1, ErrMoved) },
		"duplicate, says":   func(n int) (bool, error) { return n != 1, wrapAt(n, 1, ErrDuplicate) },
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{}
			e := started(t, m, Options{})
			if _, err := e.Apply(context.Background(), two()); err != nil {
				t.Fatal(err)
			}
			m.writes, m.fault = 0, fault
			for i := range 10 {
				c := move()
				first, err := e.Apply(context.Background(), c)
				if err != nil {
					t.Fatal(err)
				}
				if first.Entries[0].Seq != uint64(i+1) {
					t.Fatalf("entry %d became %d", i+1, first.Entries[0].Seq)
				}
			}
			if h := m.head(); h.Seq != 10 {
				t.Fatalf("%d entries were written", h.Seq)
			}
		})
	}
}

func lostAt(n, at int) error { return wrapAt(n, at, errLost) }

func wrapAt(n, at int, err error) error {
	if n != at {
		return nil
	}
	return fmt.Errorf("write %d: %w", n, err)
}

func TestRefusedAndOpenOutcomesAreUnavailable(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		text string
	}{
		"refused at once":  {&RefusedError{errors.New("disk full")}, "disk full"},
		"away for good":    {ErrAway, "did not answer"},
		"always cut":       {errLost, "connection lost"},
		"always duplicate": {ErrDuplicate, "unique key"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{fault: func(int) (bool, error) { return false, c.err }}
			e := started(t, m, Options{MaxWait: 30 * time.Millisecond})
			_, err := e.Apply(context.Background(), two())
			var away *ledger.UnavailableError
			if !errors.As(err, &away) || !errors.Is(err, c.err) && !errors.Is(err, errAway) {
				t.Fatalf("got %v", err)
			}
			if e.Probe(context.Background()) == nil {
				t.Fatal("a store that cannot book is said to be well")
			}
			m.mu.Lock()
			m.fault = nil
			m.mu.Unlock()
			if err := e.Probe(context.Background()); err != nil {
				t.Fatalf("it is back: %v", err)
			}
			if _, err := e.Apply(context.Background(), two()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestCallersAreRefusedWhileTheQueueIsFull(t *testing.T) {
	m := &memory{gate: make(chan struct{})}
	e := started(t, m, Options{MaxQueue: 4, MaxWait: 50 * time.Millisecond})
	results := make(chan error, 64)
	for range 64 {
		go func() {
			_, err := e.Apply(context.Background(), two())
			results <- err
		}()
	}
	// One group is being written and cannot end; four wait behind it; nobody else finds room.
	for range 40 {
		var away *ledger.UnavailableError
		if err := <-results; !errors.As(err, &away) {
			t.Fatalf("got %v", err)
		}
	}
	close(m.gate)
	for range 24 {
		if err := <-results; err != nil {
			var away *ledger.UnavailableError
			if !errors.As(err, &away) {
				t.Fatal(err)
			}
		}
	}
}

func TestWaitingCallersMayGiveUp(t *testing.T) {
	m := &memory{gate: make(chan struct{})}
	e := started(t, m, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := e.Apply(ctx, two())
	var away *ledger.UnavailableError
	if !errors.As(err, &away) || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	close(m.gate)
}

func TestGroupsAreBounded(t *testing.T) {
	m := &memory{gate: make(chan struct{}, 1000)}
	m.gate <- struct{}{}
	e := started(t, m, Options{MaxBatch: 10})
	if _, err := e.Apply(context.Background(), two()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if _, err := e.Apply(context.Background(), move()); err != nil {
				t.Error(err)
			}
		})
	}
	for range 200 {
		m.gate <- struct{}{}
	}
	wg.Wait()
	for _, b := range m.batches {
		if len(b.Entries) > 10 {
			t.Fatalf("a batch of %d", len(b.Entries))
		}
	}
	if m.head().Seq != 100 {
		t.Fatalf("%d entries", m.head().Seq)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := &memory{}
	e := started(t, m, Options{MaxCached: 50, TailTarget: 20})
	for i := range 600 {
		id := filepath.Join("acc", fmt.Sprint(i))
		c := ledger.Commit{
			Accounts:  []ledger.Account{{ID: id, Type: ledger.Asset, Currency: "USD"}, {ID: "b", Type: ledger.Liability, Currency: "USD"}},
			Transfers: []ledger.Transfer{{ID: uuid.New(), Kind: ledger.Immediate, Debit: id, Credit: "b", Amount: money.FromMinor(1, "USD")}},
			Puts:      []ledger.Put{{Kind: "k", Key: id}},
		}
		if _, err := e.Apply(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
	e.Close()
	s := e.state
	if len(s.accounts) > 120 || len(s.byNo) != len(s.accounts) || len(s.transfers) > 50 || len(s.records) > 50 || len(s.dirty) > 60 {
		t.Fatalf("%d accounts, %d transfers, %d records, %d dirty", len(s.accounts), len(s.transfers), len(s.records), len(s.dirty))
	}
}
