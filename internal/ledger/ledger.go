package ledger

import (
	"context"
	"time"
)

// Ledger is the books as routers, settlers and auditors use them. All methods are safe for concurrent use; many processes may use
// one PostgreSQL. Errors are those of errors.go, wrapped once with context.
type Ledger interface {
	// Apply books a Commit and returns when it is durable. It retries what may be retried by itself; an UnavailableError says that the
	// store is away and nothing was booked, or that the same Commit must be sent again to learn its outcome (which is
	// safe: transfers and puts are idempotent by ID and Version).
	Apply(ctx context.Context, c Commit) (Receipt, error)

	Account(ctx context.Context, id string) (Account, error)
	Accounts(ctx context.Context, owner string, after string, limit int) ([]Account, error)
	Balance(ctx context.Context, account string) (Balance, error)
	// BalanceAt counts only entries booked at or before at.
	BalanceAt(ctx context.Context, account string, at time.Time) (Balance, error)
	// Entries are an account's, oldest first, with Seq > after.
	Entries(ctx context.Context, account string, after uint64, limit int) ([]Entry, error)
	// EntriesByReference are all entries that one payment, run or deposit caused, oldest first.
	EntriesByReference(ctx context.Context, reference string) ([]Entry, error)
	// SeqAt is the Seq of the last entry booked at or before at, 0 where there is none: how long the journal was then.
	SeqAt(ctx context.Context, at time.Time) (uint64, error)
	TrialBalance(ctx context.Context) ([]TrialLine, error)
	// WindowPositions sums a settlement window's posted transfers by account and currency.
	WindowPositions(ctx context.Context, window string) ([]Position, error)

	// Record returns the record or a NotFoundError.
	Record(ctx context.Context, kind, key string) (Record, error)
	// Records are those of a kind (and group and state, where not empty) with Key > after, by key.
	Records(ctx context.Context, q RecordQuery) ([]Record, error)
	// DueRecords are those of a kind whose Due is set and not after before, earliest first.
	DueRecords(ctx context.Context, kind string, before time.Time, limit int) ([]Record, error)
	// CountRecords counts records of a kind by state, within a group where it is not empty.
	CountRecords(ctx context.Context, kind, group string) (map[string]int64, error)

	// Ping fails while the store cannot book.
	Ping(ctx context.Context) error
	Close() error
}

// RecordQuery selects records; Limit at most 1,000, zero for 100.
type RecordQuery struct {
	Kind, Group, State string
	After              string
	Limit              int
}
