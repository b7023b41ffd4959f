package engine

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/merkle"
)

// What a store answers to a write that did not happen. Any other error means the same as ErrCut unless it is wrapped in Refused.
var (
	// ErrMoved says that the head was not the expected one: another process has booked.
	ErrMoved = errors.New("the head has moved")
	// ErrDuplicate says that a unique key objected: an ID, account or record was there already.
	ErrDuplicate = errors.New("a unique key exists already")
	// ErrRetry says that the store rolled the transaction back for its own reasons (40001, 40P01, busy).
	ErrRetry = errors.New("rolled back by the store")
	// ErrAway says that the store was not reached, so that nothing can have been written.
	ErrAway = errors.New("the store is away")
)

// RefusedError says that the store certainly rolled back, and that trying again at once would not help (disk full, read-only).
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns the store's own error.
func (e *RefusedError) Unwrap() error { return e.Err }

// Store writes batches. Its methods are called by one goroutine at a time.
type Store interface {
	// Write writes b in a transaction of its own, if the head is still b.Prev.
	Write(ctx context.Context, b *Batch) error
	// Begin opens a transaction that holds the head until Write or Rollback.
	Begin(ctx context.Context) (Tx, error)
	// DueReserves reports whether a reserve expires after the one time and not after the other, without holding the head.
	DueReserves(ctx context.Context, after, until int64) (bool, error)
}

// Tx is a transaction that holds the head.
type Tx interface {
	Head() Head
	// Batches tells the ID of the batches with these numbers, as far as they exist.
	Batches(ctx context.Context, nos []uint64) (map[uint64]uuid.UUID, error)
	// Tail is the journal after one entry, in order.
	Tail(ctx context.Context, after uint64) ([]Row, error)
	// Load reads what exists of need, and the accounts of the transfers read.
	Load(ctx context.Context, need Need) (Loaded, error)
	// AccountsByNo reads accounts by number.
	AccountsByNo(ctx context.Context, nos []uint64) ([]LoadedAccount, error)
	// Expiring are reserves that no transfer has ended and that expire after the one time and not after the other, earliest first.
	Expiring(ctx context.Context, after, until int64, limit int) ([]LoadedTransfer, error)
	// Write writes b and commits.
	Write(ctx context.Context, b *Batch) error
	Rollback()
}

// Head is the one row that every batch moves.
type Head struct {
	Batch   uint64    // batches so far
	BatchID uuid.UUID // the last one's
	Seq     uint64    // entries so far
	// Booked is the last batch's booking time in microseconds.
	Booked   int64
	Accounts uint64 // accounts so far
	// Flushed: every balance row counts at least the entries up to here that concern it.
	Flushed uint64
	// Windows: the window positions count exactly the entries up to here.
	Windows uint64
	// Swept: reserves that expire up to this time (in microseconds) have been expired.
	Swept int64
	// Journal and AccountLog are the frontiers of the two Merkle logs.
	Journal, AccountLog []byte
}

// Row is a journal row: the entry, its accounts' numbers, and the first eight bytes of its leaf's hash, by which an audit names the very
// entry that was changed.
type Row struct {
	ledger.Entry
	DebitNo, CreditNo uint64
	Sum               int64
}

// Sums are an account's turnover in minor units.
type Sums struct{ Debits, Credits, PendingDebits, PendingCredits int64 }

// AccountRow is an account with its number, from 1, and the first eight bytes of its leaf's hash.
type AccountRow struct {
	ledger.Account
	No  uint64
	Sum int64
}

// BalanceRow is an account's sums over all entries up to Seq.
type BalanceRow struct {
	No uint64
	Sums
	Seq uint64
}

// WindowRow is what is to be added to a window's position.
type WindowRow struct {
	Window                 string
	No                     uint64
	Debits, Credits, Count int64
}

// RecordRow is a record to be written; Base is the version that it stands at, 0 where it is new.
type RecordRow struct {
	ledger.Record
	Base   int64
	Digest [32]byte
}

// Batch is what is written in one commit.
type Batch struct {
	ID         uuid.UUID
	Prev, Next Head
	Accounts   []AccountRow
	Entries    []Row
	Records    []RecordRow
	Nodes      []merkle.Node
	Balances   []BalanceRow
	Windows    []WindowRow
}

// RecordName names a record.
type RecordName struct{ Kind, Key string }

// Need is what a plan wants to know.
type Need struct {
	Accounts  []string
	Transfers []uuid.UUID
	Records   []RecordName
}

func (n *Need) empty() bool { return len(n.Accounts)+len(n.Transfers)+len(n.Records) == 0 }

// LoadedAccount is an account with its balance row.
type LoadedAccount struct {
	AccountRow
	Balance BalanceRow
}

// LoadedTransfer is a booked transfer with what later entries did to it.
type LoadedTransfer struct {
	Row
	Ended    bool  // posted, voided or expired
	Reversed int64 // in minor units, by all reversals together
}

// Loaded answers a Need.
type Loaded struct {
	Accounts  []LoadedAccount
	Transfers []LoadedTransfer
	Records   []ledger.Record
}

// Options tune an Engine. The zero value is what production uses.
type Options struct {
	// Clock is the wall clock; nil: time.Now. It may be set back: booking time never is.
	Clock func() time.Time
	// MaxBatch bounds the transfers and puts of one commit group; 0: 4,096.
	MaxBatch int
	// MaxQueue bounds the waiting callers; 0: 8,192. Whoever finds the queue full waits at most MaxWait.
	MaxQueue int
	// MaxWait bounds how long a caller waits for its place and how long a store's outage is sat out; 0: 10 s.
	MaxWait time.Duration
	// TailTarget is about how many entries the balance rows may be behind; 0: 32,768.
	TailTarget int
	// MaxCached bounds the accounts, transfers and records kept in memory, each; 0: 65,536.
	MaxCached int
	// SweepEvery is how often expired reserves are looked for; 0: 1 s; negative: never.
	SweepEvery time.Duration
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	for _, d := range []struct {
		v *int
		d int
	}{{&o.MaxBatch, 4096}, {&o.MaxQueue, 8192}, {&o.TailTarget, 32768}, {&o.MaxCached, 65536}} {
		if *d.v <= 0 {
			*d.v = d.d
		}
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 10 * time.Second
	}
	if o.SweepEvery == 0 {
		o.SweepEvery = time.Second
	}
	return o
}
