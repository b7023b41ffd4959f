package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	sqlite3 "modernc.org/sqlite"
	sqlite3lib "modernc.org/sqlite/lib"

	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/reader"
)

// store writes batches over the one connection that may write.
type store struct {
	*reader.Reader // for DueReserves
	db             *sql.DB
	conn           *sql.Conn
	writer         *writer
}

func openStore(ctx context.Context, path string, r *reader.Reader, maxBytes int64) (*store, error) {
	db, err := sql.Open("sqlite", dsn(path, "_txlock=immediate", "_pragma=cache_size(-16384)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &store{Reader: r, db: db}
	if s.conn, err = db.Conn(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if maxBytes > 0 {
		var page, limit int64
		err = s.conn.QueryRowContext(ctx, "PRAGMA page_size").Scan(&page)
		if err == nil {
			err = s.conn.QueryRowContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", max(1, maxBytes/page))).Scan(&limit)
		}
		if err != nil {
			return nil, errors.Join(err, s.conn.Close(), db.Close())
		}
	}
	if s.writer, err = prepare(ctx, s.conn); err != nil {
		return nil, errors.Join(err, s.conn.Close(), db.Close())
	}
	return s, nil
}

func (s *store) close() error { return errors.Join(s.writer.close(), s.conn.Close(), s.db.Close()) }

// Write implements engine.Store.
func (s *store) Write(ctx context.Context, b *engine.Batch) error {
	t, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer t.Rollback()
	return t.Write(ctx, b)
}

// Begin implements engine.Store.
func (s *store) Begin(ctx context.Context) (engine.Tx, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	if t.head, err = reader.ScanHead(t.conn.QueryRowContext(ctx, reader.HeadSelect)); err != nil {
		t.Rollback()
		return nil, classify(err)
	}
	return t, nil
}

func (s *store) begin(ctx context.Context) (*tx, error) {
	// BEGIN IMMEDIATE takes the only write lock there is: that is how the head is held. The transaction is begun and ended by
	// statements, so that a cancelled context cannot end it half-way.
	if _, err := s.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, classify(err)
	}
	return &tx{conn: s.conn, writer: s.writer, open: true}, nil
}

type tx struct {
	conn   *sql.Conn
	writer *writer
	head   engine.Head
	open   bool
}

// Head implements engine.Tx.
func (t *tx) Head() engine.Head { return t.head }

// Rollback implements engine.Tx. After Write it does nothing.
func (t *tx) Rollback() {
	if t.open {
		t.open = false
		// Where SQLite has rolled back by itself (disk full) this fails, and that is well.
		_, _ = t.conn.ExecContext(context.Background(), "ROLLBACK")
	}
}

// Write implements engine.Tx.
func (t *tx) Write(ctx context.Context, b *engine.Batch) error {
	if err := t.writer.batch(ctx, b); err != nil {
		return classify(err)
	}
	// Not to be cancelled: a COMMIT either happens or does not.
	if _, err := t.conn.ExecContext(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return classify(err)
	}
	t.open = false
	return nil
}

func query[T any](ctx context.Context, t *tx, scan func(reader.Scanner) (T, error), sql string, args ...any) ([]T, error) {
	rows, err := t.conn.QueryContext(ctx, sql, args...)
	if err != nil {
		return nil, classify(err)
	}
	out, err := reader.Collect(rows, scan)
	return out, classify(err)
}

// Batches implements engine.Tx.
func (t *tx) Batches(ctx context.Context, nos []uint64) (map[uint64]uuid.UUID, error) {
	type row struct {
		no uint64
		id uuid.UUID
	}
	rows, err := query(ctx, t, func(s reader.Scanner) (r row, err error) { return r, s.Scan(&r.no, &r.id) },
		`SELECT no, id FROM batch WHERE no IN (SELECT value FROM json_each(?1))`, list(nos))
	out := make(map[uint64]uuid.UUID, len(rows))
	for _, r := range rows {
		out[r.no] = r.id
	}
	return out, err
}

// Tail implements engine.Tx.
func (t *tx) Tail(ctx context.Context, after uint64) ([]engine.Row, error) {
	return query(ctx, t, reader.ScanRow, reader.RowSelect+`WHERE j.seq > ?1 ORDER BY j.seq`, after)
}

// AccountsByNo implements engine.Tx.
func (t *tx) AccountsByNo(ctx context.Context, nos []uint64) ([]engine.LoadedAccount, error) {
	return query(ctx, t, reader.ScanAccount, reader.AccountSelect+`WHERE a.no IN (SELECT value FROM json_each(?1))`, list(nos))
}

// Load implements engine.Tx.
func (t *tx) Load(ctx context.Context, need engine.Need) (engine.Loaded, error) {
	var l engine.Loaded
	var err error
	if l.Transfers, err = t.transfers(ctx, `WHERE j.id IN (SELECT unhex(value) FROM json_each(?1))`, hexList(need.Transfers)); err != nil {
		return l, err
	}
	ids := need.Accounts
	for i := range l.Transfers {
		ids = append(ids, l.Transfers[i].Debit, l.Transfers[i].Credit)
	}
	if len(ids) > 0 {
		if l.Accounts, err = query(ctx, t, reader.ScanAccount, reader.AccountSelect+`WHERE a.id IN (SELECT value FROM json_each(?1))`, list(ids)); err != nil {
			return l, err
		}
	}
	if len(need.Records) > 0 {
		names := make([][2]string, len(need.Records))
		for i, n := range need.Records {
			names[i] = [2]string{n.Kind, n.Key}
		}
		l.Records, err = query(ctx, t, reader.ScanRecord, reader.RecordSelect+`WHERE (kind, key) IN
			(SELECT value ->> 0, value ->> 1 FROM json_each(?1))`, list(names))
	}
	return l, err
}

// transfers reads transfers with what became of them.
func (t *tx) transfers(ctx context.Context, where string, args ...any) ([]engine.LoadedTransfer, error) {
	rows, err := query(ctx, t, reader.ScanRow, reader.RowSelect+where, args...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	ids := make([]uuid.UUID, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	type effect struct {
		ref      uuid.UUID
		ended    bool
		reversed int64
	}
	effects, err := query(ctx, t, func(s reader.Scanner) (e effect, err error) { return e, s.Scan(&e.ref, &e.ended, &e.reversed) },
		`SELECT ref, kind IN (3, 4, 5), CASE WHEN kind = 6 THEN amount ELSE 0 END FROM journal
		 WHERE kind IN (3, 4, 5) AND ref IN (SELECT unhex(value) FROM json_each(?1))
		 UNION ALL SELECT ref, 0, amount FROM journal WHERE kind = 6 AND ref IN (SELECT unhex(value) FROM json_each(?1))`, hexList(ids))
	if err != nil {
		return nil, err
	}
	out := make([]engine.LoadedTransfer, len(rows))
	at := make(map[uuid.UUID]*engine.LoadedTransfer, len(rows))
	for i := range rows {
		out[i].Row = rows[i]
		at[rows[i].ID] = &out[i]
	}
	for _, e := range effects {
		at[e.ref].Ended = at[e.ref].Ended || e.ended
		at[e.ref].Reversed += e.reversed
	}
	return out, nil
}

// Expiring implements engine.Tx.
func (t *tx) Expiring(ctx context.Context, after, until int64, limit int) ([]engine.LoadedTransfer, error) {
	return t.transfers(ctx, `WHERE j.kind = 2 AND j.expires > ?1 AND j.expires <= ?2 AND NOT EXISTS
		(SELECT 1 FROM journal e WHERE e.ref = j.id AND e.kind IN (3, 4, 5)) ORDER BY j.expires, j.seq LIMIT ?3`, after, until, limit)
}

func list[T any](values []T) string {
	b, err := json.Marshal(values)
	if err != nil {
		panic(err) // only for types that cannot be JSON: ours can
	}
	return string(b)
}

func hexList(ids []uuid.UUID) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = fmt.Sprintf("%x", id[:])
	}
	return list(out)
}

// classify turns SQLite's errors into the engine's. SQLite is in this process: what fails is rolled back, nothing is ever open.
func classify(err error) error {
	var e *sqlite3.Error
	switch {
	case err == nil, errors.Is(err, engine.ErrMoved):
		return err
	case !errors.As(err, &e):
		return &engine.RefusedError{Err: err}
	}
	switch code := e.Code(); {
	case code == sqlite3lib.SQLITE_CONSTRAINT_UNIQUE, code == sqlite3lib.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fmt.Errorf("%w: %w", engine.ErrDuplicate, err)
	case code&0xff == sqlite3lib.SQLITE_BUSY, code&0xff == sqlite3lib.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w", engine.ErrRetry, err)
	}
	return &engine.RefusedError{Err: err}
}
