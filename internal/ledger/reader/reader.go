package reader

import (
	"context"
	"database/sql"
	"errors"
	"regexp"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/money"
)

// Dialect is what the stores' SQL differs in.
type Dialect struct {
	Name string
	// Dollar: parameters are written $1 rather than ?1.
	Dollar bool
	// ID is an ID as a parameter.
	ID func(uuid.UUID) any
	// Unlike holds of a row j of the journal whose ID does not begin with the first 48 bits of the UUID that it refers to: as the
	// index journal_by_reference has it.
	Unlike string
}

// Reader reads one store. It is safe for concurrent use.
type Reader struct {
	db *sql.DB
	d  Dialect
}

// New reads db. The caller closes db.
func New(db *sql.DB, d Dialect) *Reader { return &Reader{db: db, d: d} }

// DB is the database that is read.
func (r *Reader) DB() *sql.DB { return r.db }

var parameter = regexp.MustCompile(`\?(\d+)`)

// SQL brings a query with ?1, ?2, … into the dialect.
func (r *Reader) SQL(query string) string {
	if r.d.Dollar {
		return parameter.ReplaceAllString(query, `$$$1`)
	}
	return query
}

// Query runs a query written with ?1, ?2, …; what fails is a ledger.UnavailableError.
func (r *Reader) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := r.db.QueryContext(ctx, r.SQL(query), args...)
	if err != nil {
		return nil, &ledger.UnavailableError{Err: err}
	}
	return rows, nil
}

// each scans every row of a query.
func each[T any](ctx context.Context, r *Reader, scan func(Scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := r.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	out, err := Collect(rows, scan)
	if err != nil {
		return nil, &ledger.UnavailableError{Err: err}
	}
	return out, nil
}

// Scanner is a row to be scanned: of sql.Rows or sql.Row.
type Scanner interface{ Scan(dest ...any) error }

// Collect scans all rows and closes them.
func Collect[T any](rows *sql.Rows, scan func(Scanner) (T, error)) ([]T, error) {
	defer func() { _ = rows.Close() }()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func one[T any](ctx context.Context, r *Reader, scan func(Scanner) (T, error), what, id, query string, args ...any) (T, error) {
	v, err := scan(r.db.QueryRowContext(ctx, r.SQL(query), args...))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return v, &ledger.NotFoundError{What: what, ID: id}
	case err != nil:
		return v, &ledger.UnavailableError{Err: err}
	}
	return v, nil
}

// RowSelect selects journal rows as ScanRow reads them; a WHERE about j follows.
const RowSelect = rowColumns + `FROM journal j ` + rowAccounts

const rowColumns = `SELECT j.seq, j.booked, j.id, j.kind, d.id, c.id, j.currency, j.amount, j.released, j.ref, j.expires, j.value_date,
	j.code, j.reference, j.win, j.debit, j.credit `

const rowAccounts = `JOIN account d ON d.no = j.debit JOIN account c ON c.no = j.credit `

// ScanRow reads a row of RowSelect.
func ScanRow(s Scanner) (engine.Row, error) {
	var r engine.Row
	var kind uint8
	var booked, amount int64
	var ref uuid.NullUUID
	var expires sql.NullInt64
	var currency string
	var day int32
	err := s.Scan(&r.Seq, &booked, &r.ID, &kind, &r.Debit, &r.Credit, &currency, &amount, &r.Released, &ref, &expires, &day,
		&r.Code, &r.Reference, &r.Window, &r.DebitNo, &r.CreditNo)
	r.Booked, r.Kind, r.Amount = ledger.FromMicros(booked), ledger.KindOf(kind), money.FromMinor(amount, money.Currency(currency))
	r.Ref, r.Expires, r.ValueDate = ref.UUID, ledger.FromMicros(expires.Int64), ledger.FromDays(day)
	return r, err
}

// ScanEntry reads a row of RowSelect as an entry.
func ScanEntry(s Scanner) (ledger.Entry, error) {
	r, err := ScanRow(s)
	return r.Entry, err
}

// AccountSelect selects accounts with their balance rows as ScanAccount reads them; a WHERE about a follows.
const AccountSelect = `SELECT a.no, a.id, a.owner, a.participant, a.type, a.currency, a.floor, a.cap, a.sum,
	COALESCE(b.debits, 0), COALESCE(b.credits, 0), COALESCE(b.pending_debits, 0), COALESCE(b.pending_credits, 0), COALESCE(b.seq, 0)
	FROM account a LEFT JOIN balance b ON b.account = a.no `

// ScanAccount reads a row of AccountSelect.
func ScanAccount(s Scanner) (engine.LoadedAccount, error) {
	var a engine.LoadedAccount
	var floor, limit sql.NullInt64
	var typ, currency string
	b := &a.Balance
	err := s.Scan(&a.No, &a.ID, &a.Owner, &a.Participant, &typ, &currency, &floor, &limit, &a.Sum,
		&b.Debits, &b.Credits, &b.PendingDebits, &b.PendingCredits, &b.Seq)
	a.Type, a.Currency, b.No = ledger.AccountType(typ), money.Currency(currency), a.No
	if floor.Valid {
		a.Floor = &floor.Int64
	}
	if limit.Valid {
		a.Cap = &limit.Int64
	}
	return a, err
}

func scanPlainAccount(s Scanner) (ledger.Account, error) {
	a, err := ScanAccount(s)
	return a.Account, err
}

// RecordSelect selects records as ScanRecord reads them.
const RecordSelect = `SELECT kind, key, version, state, grp, due, body, created, updated FROM record `

// ScanRecord reads a row of RecordSelect.
func ScanRecord(s Scanner) (ledger.Record, error) {
	var r ledger.Record
	var due sql.NullInt64
	var created, updated int64
	err := s.Scan(&r.Kind, &r.Key, &r.Version, &r.State, &r.Group, &due, &r.Body, &created, &updated)
	r.Due, r.Created, r.Updated = ledger.FromMicros(due.Int64), ledger.FromMicros(created), ledger.FromMicros(updated)
	return r, err
}

// HeadSelect selects the head as ScanHead reads it.
const HeadSelect = `SELECT batch, batch_id, seq, booked, accounts, flushed, windows, swept, journal_frontier, account_frontier FROM head WHERE one = 1`

// ScanHead reads the row of HeadSelect.
func ScanHead(s Scanner) (engine.Head, error) {
	var h engine.Head
	err := s.Scan(&h.Batch, &h.BatchID, &h.Seq, &h.Booked, &h.Accounts, &h.Flushed, &h.Windows, &h.Swept, &h.Journal, &h.AccountLog)
	return h, err
}

// Head reads the head.
func (r *Reader) Head(ctx context.Context) (engine.Head, error) {
	return one(ctx, r, ScanHead, "head", "1", HeadSelect)
}

// Ping fails while the store cannot be read.
func (r *Reader) Ping(ctx context.Context) error {
	_, err := r.Head(ctx)
	return err
}

// DueReserves implements engine.Store's.
func (r *Reader) DueReserves(ctx context.Context, after, until int64) (bool, error) {
	n, err := one(ctx, r, func(s Scanner) (n int, err error) { return n, s.Scan(&n) }, "reserves", "",
		`SELECT CASE WHEN EXISTS (SELECT 1 FROM journal WHERE kind = 2 AND expires > ?1 AND expires <= ?2) THEN 1 ELSE 0 END`, after, until)
	return n == 1, err
}

func limited(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, 1000)
}

// Account implements ledger.Ledger.
func (r *Reader) Account(ctx context.Context, id string) (ledger.Account, error) {
	return one(ctx, r, scanPlainAccount, "account", id, AccountSelect+`WHERE a.id = ?1`, id)
}

// Accounts implements ledger.Ledger; an empty owner selects all.
func (r *Reader) Accounts(ctx context.Context, owner, after string, limit int) ([]ledger.Account, error) {
	if owner == "" {
		return each(ctx, r, scanPlainAccount, AccountSelect+`WHERE a.id > ?1 ORDER BY a.id LIMIT ?2`, after, limited(limit))
	}
	return each(ctx, r, scanPlainAccount, AccountSelect+`WHERE a.owner = ?1 AND a.id > ?2 ORDER BY a.id LIMIT ?3`, owner, after, limited(limit))
}

// Entries implements ledger.Ledger.
func (r *Reader) Entries(ctx context.Context, account string, after uint64, limit int) ([]ledger.Entry, error) {
	no, err := r.accountNo(ctx, account)
	if err != nil {
		return nil, err
	}
	return each(ctx, r, ScanEntry, accountEntries, no, after, limited(limit))
}

// accountEntries selects entries of account ?1 after entry ?2, at most ?3. Each half can use its index; an OR could not.
const accountEntries = rowColumns + `FROM (
	SELECT seq FROM (SELECT seq FROM journal WHERE debit = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3) x UNION ALL
	SELECT seq FROM (SELECT seq FROM journal WHERE credit = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3) y
	ORDER BY seq LIMIT ?3) z JOIN journal j ON j.seq = z.seq ` + rowAccounts + `ORDER BY j.seq`

// pageSize is how many entries are in memory while an account's entries stream.
const pageSize = 5000

// ScanAccount calls each for an account's entries after one and up to another, oldest first, in bounded memory.
func (r *Reader) ScanAccount(ctx context.Context, account string, after, until uint64, visit func(*ledger.Entry) error) error {
	no, err := r.accountNo(ctx, account)
	if err != nil {
		return err
	}
	for {
		page, err := each(ctx, r, ScanEntry, accountEntries, no, after, pageSize)
		if err != nil {
			return err
		}
		for i := range page {
			if page[i].Seq > until {
				return nil
			}
			if err := visit(&page[i]); err != nil {
				return err
			}
		}
		if len(page) < pageSize {
			return nil
		}
		after = page[len(page)-1].Seq
	}
}

// CountEntries is how many entries an account has after one and up to another.
func (r *Reader) CountEntries(ctx context.Context, account string, after, until uint64) (uint64, error) {
	no, err := r.accountNo(ctx, account)
	if err != nil {
		return 0, err
	}
	return one(ctx, r, func(s Scanner) (n uint64, err error) { return n, s.Scan(&n) }, "account", account,
		`SELECT (SELECT COUNT(*) FROM journal WHERE debit = ?1 AND seq > ?2 AND seq <= ?3) +
			(SELECT COUNT(*) FROM journal WHERE credit = ?1 AND seq > ?2 AND seq <= ?3)`, no, after, until)
}

// EntryByID finds an entry by its transfer's ID.
func (r *Reader) EntryByID(ctx context.Context, id uuid.UUID) (ledger.Entry, error) {
	return one(ctx, r, ScanEntry, "entry", id.String(), RowSelect+`WHERE j.id = ?1`, r.d.ID(id))
}

func (r *Reader) accountNo(ctx context.Context, id string) (uint64, error) {
	return one(ctx, r, func(s Scanner) (no uint64, err error) { return no, s.Scan(&no) }, "account", id, `SELECT no FROM account WHERE id = ?1`, id)
}
