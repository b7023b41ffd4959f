package reader

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
)

// Raw is a journal row as an audit reads it: its byte slices are valid until the next row.
type Raw struct {
	ledger.Leaf[[]byte]
	// DebitNo and CreditNo number the accounts; Debit and Credit are left empty.
	DebitNo, CreditNo uint64
	// Sum is the stored beginning of the leaf's hash.
	Sum int64
}

// Frame is what an audit compares the journal with: all read at one point of time.
type Frame struct {
	Head     engine.Head
	Accounts []engine.LoadedAccount // by number
	Windows  []engine.WindowRow
	Batches  uint64 // how many batch rows there are
	// First and Last are the least and the greatest number of a journal row, 0 where there is none.
	First, Last int64
}

// Frame reads the head, the accounts with their balance rows and the window positions in one snapshot.
func (r *Reader) Frame(ctx context.Context) (Frame, error) {
	var f Frame
	opts := &sql.TxOptions{ReadOnly: true}
	if r.d.Dollar {
		opts.Isolation = sql.LevelRepeatableRead
	}
	tx, err := r.db.BeginTx(ctx, opts)
	if err != nil {
		return f, &ledger.UnavailableError{Err: err}
	}
	defer func() { _ = tx.Rollback() }()
	if f.Head, err = ScanHead(tx.QueryRowContext(ctx, HeadSelect)); err != nil {
		return f, &ledger.UnavailableError{Err: err}
	}
	if err := tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM batch), (SELECT COALESCE(MIN(seq), 0) FROM journal),
		(SELECT COALESCE(MAX(seq), 0) FROM journal)`).Scan(&f.Batches, &f.First, &f.Last); err != nil {
		return f, &ledger.UnavailableError{Err: err}
	}
	if f.Accounts, err = rowsOf(ctx, tx, ScanAccount, AccountSelect+`ORDER BY a.no`); err != nil {
		return f, err
	}
	f.Windows, err = rowsOf(ctx, tx, func(s Scanner) (w engine.WindowRow, err error) {
		return w, s.Scan(&w.Window, &w.No, &w.Debits, &w.Credits, &w.Count)
	}, `SELECT win, account, debits, credits, count FROM window_position ORDER BY win, account`)
	return f, err
}

func rowsOf[T any](ctx context.Context, tx *sql.Tx, scan func(Scanner) (T, error), query string) ([]T, error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, &ledger.UnavailableError{Err: err}
	}
	out, err := Collect(rows, scan)
	if err != nil {
		return nil, &ledger.UnavailableError{Err: err}
	}
	return out, nil
}

// journalColumns are a Raw's columns in the order of its fields.
const journalColumns = `seq, booked, id, kind, currency, amount, released, ref, expires, value_date, code, reference, win, debit, credit, sum`

// ScanJournal calls each for the entries after one and up to another, in order.
func (r *Reader) ScanJournal(ctx context.Context, after, until uint64, each func(*Raw) error) error {
	rows, err := r.Query(ctx, `SELECT `+journalColumns+` FROM journal WHERE seq > ?1 AND seq <= ?2 ORDER BY seq`, after, until)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var raw Raw
	var id, ref sql.RawBytes
	var currency, code, reference, window sql.RawBytes
	var expires sql.NullInt64
	for rows.Next() {
		if err := rows.Scan(&raw.Seq, &raw.Booked, &id, &raw.Kind, &currency, &raw.Amount, &raw.Released, &ref, &expires, &raw.ValueDate,
			&code, &reference, &window, &raw.DebitNo, &raw.CreditNo, &raw.Sum); err != nil {
			return fmt.Errorf("journal after entry %d: %w", raw.Seq, err)
		}
		raw.ID, raw.Ref = [16]byte{}, [16]byte{}
		copy(raw.ID[:], id)
		copy(raw.Ref[:], ref)
		raw.Currency, raw.Code, raw.Reference, raw.Window, raw.Expires = currency, code, reference, window, expires.Int64
		if err := each(&raw); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return &ledger.UnavailableError{Err: err}
	}
	return nil
}

// Nodes reads the kept nodes of a level with an index from one up to, not including, another.
func (r *Reader) Nodes(ctx context.Context, level uint, from, to uint64) (map[uint64][]byte, error) {
	type node struct {
		idx  uint64
		hash []byte
	}
	nodes, err := each(ctx, r, func(s Scanner) (n node, err error) { return n, s.Scan(&n.idx, &n.hash) },
		`SELECT idx, hash FROM node WHERE level = ?1 AND idx >= ?2 AND idx < ?3`, int64(level), from, to)
	out := make(map[uint64][]byte, len(nodes))
	for _, n := range nodes {
		out[n.idx] = n.hash
	}
	return out, err
}

// Checkpoint is a signed note about the journal's first Size entries.
type Checkpoint struct {
	Size uint64
	Note string
}

func scanCheckpoint(s Scanner) (Checkpoint, error) {
	var c Checkpoint
	return c, s.Scan(&c.Size, &c.Note)
}

// Checkpoints are all checkpoints, oldest first.
func (r *Reader) Checkpoints(ctx context.Context) ([]Checkpoint, error) {
	return each(ctx, r, scanCheckpoint, `SELECT size, note FROM checkpoint ORDER BY size`)
}

// CheckpointsAfter are at most limit checkpoints of more than after entries, oldest first.
func (r *Reader) CheckpointsAfter(ctx context.Context, after uint64, limit int) ([]Checkpoint, error) {
	return each(ctx, r, scanCheckpoint, `SELECT size, note FROM checkpoint WHERE size > ?1 ORDER BY size LIMIT ?2`, after, limit)
}

// LastCheckpoint is the newest checkpoint, or a NotFoundError.
func (r *Reader) LastCheckpoint(ctx context.Context) (Checkpoint, error) {
	return one(ctx, r, scanCheckpoint, "checkpoint", "latest", `SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1`)
}

// ScanRecords calls each for every record with its stored digest.
func (r *Reader) ScanRecords(ctx context.Context, each func(rec *ledger.Record, digest []byte) error) error {
	rows, err := r.Query(ctx, `SELECT kind, key, version, state, grp, due, body, created, updated, digest FROM record ORDER BY kind, key`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var digest []byte
	for rows.Next() {
		rec, err := ScanRecord(scannerFunc(func(dest ...any) error { return rows.Scan(append(dest, &digest)...) }))
		if err != nil {
			return fmt.Errorf("records after %s/%s: %w", rec.Kind, rec.Key, err)
		}
		if err := each(&rec, digest); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return &ledger.UnavailableError{Err: err}
	}
	return nil
}

type scannerFunc func(dest ...any) error

func (f scannerFunc) Scan(dest ...any) error { return f(dest...) }

// AccountIDs are the IDs of the accounts with these numbers, as far as they exist.
func (r *Reader) AccountIDs(ctx context.Context, nos []uint64) (map[uint64]string, error) {
	out := make(map[uint64]string, len(nos))
	for _, no := range nos {
		if _, ok := out[no]; ok {
			continue
		}
		id, err := one(ctx, r, func(s Scanner) (id string, err error) { return id, s.Scan(&id) }, "account", "", `SELECT id FROM account WHERE no = ?1`, no)
		var none *ledger.NotFoundError
		if err != nil && !errors.As(err, &none) {
			return nil, err
		}
		out[no] = id
	}
	return out, nil
}

// BatchRow is one commit: its number, the entries up to it and its booking time in microseconds.
type BatchRow struct {
	No, Seq uint64
	Booked  int64
}

// Batches are the batch rows after one number and up to another, by number, at most limit.
func (r *Reader) Batches(ctx context.Context, after, until uint64, limit int) ([]BatchRow, error) {
	return each(ctx, r, func(s Scanner) (b BatchRow, err error) { return b, s.Scan(&b.No, &b.Seq, &b.Booked) },
		`SELECT no, seq, booked FROM batch WHERE no > ?1 AND no <= ?2 ORDER BY no LIMIT ?3`, after, until, limit)
}
