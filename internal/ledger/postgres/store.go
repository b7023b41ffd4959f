package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/reader"
)

// store writes batches over one connection, which it opens again when it was lost.
type store struct {
	*reader.Reader // for DueReserves
	config         *pgx.ConnConfig
	conn           *pgx.Conn
	buffers        *buffers // conn's
}

// ready has a connection that no transaction is open on.
func (s *store) ready(ctx context.Context) error {
	if s.conn != nil && !s.conn.IsClosed() && s.conn.PgConn().TxStatus() == 'I' {
		return nil
	}
	s.drop()
	c, err := connect(ctx, s.config)
	if err != nil {
		return fmt.Errorf("%w: %w", engine.ErrAway, err)
	}
	s.conn, s.buffers = c, new(buffers)
	encodeColumns(c.TypeMap(), s.buffers)
	return nil
}

func (s *store) drop() {
	if s.conn != nil {
		// Without waiting: whoever is gone need not be told.
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.conn.Close(ctx)
		s.conn = nil
	}
}

// Write implements engine.Store.
func (s *store) Write(ctx context.Context, b *engine.Batch) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	return s.send(ctx, batch, b)
}

// send writes b behind what batch holds already, and commits.
func (s *store) send(ctx context.Context, batch *pgx.Batch, b *engine.Batch) error {
	queue(batch, b)
	batch.Queue("COMMIT")
	s.buffers.prepare(s.conn, b)
	defer s.buffers.trim()
	res := s.conn.SendBatch(ctx, batch)
	var err error
	var tag pgconn.CommandTag
	for range batch.Len() {
		if tag, err = res.Exec(); err != nil {
			break
		}
	}
	err = errors.Join(err, res.Close())
	if err == nil && tag.String() != "COMMIT" {
		err = fmt.Errorf("%w: COMMIT answered %s", engine.ErrRetry, tag)
	}
	if err != nil {
		s.rollback(ctx)
	}
	return classify(err)
}

// rollback ends a failed transaction, or gives the connection up.
func (s *store) rollback(ctx context.Context) {
	if s.conn == nil || s.conn.IsClosed() || s.conn.PgConn().TxStatus() == 'I' {
		return
	}
	if _, err := s.conn.Exec(ctx, "ROLLBACK"); err != nil {
		s.drop()
	}
}

// Begin implements engine.Store.
func (s *store) Begin(ctx context.Context) (engine.Tx, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	batch.Queue(reader.HeadSelect + " FOR UPDATE")
	res := s.conn.SendBatch(ctx, batch)
	_, err := res.Exec()
	t := &tx{store: s, open: true}
	if err == nil {
		t.head, err = reader.ScanHead(res.QueryRow())
	}
	if err = errors.Join(err, res.Close()); err != nil {
		s.rollback(ctx)
		return nil, notWritten(err)
	}
	return t, nil
}

type tx struct {
	store *store
	head  engine.Head
	open  bool
}

// Head implements engine.Tx.
func (t *tx) Head() engine.Head { return t.head }

// Rollback implements engine.Tx. After Write it does nothing.
func (t *tx) Rollback() {
	if t.open {
		t.open = false
		// Bounded, because a server that hangs would hang us: the connection is given up then.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		t.store.rollback(ctx)
	}
}

// Write implements engine.Tx.
func (t *tx) Write(ctx context.Context, b *engine.Batch) error {
	t.open = false
	return t.store.send(ctx, &pgx.Batch{}, b)
}

func query[T any](ctx context.Context, t *tx, scan func(reader.Scanner) (T, error), sql string, args ...any) ([]T, error) {
	rows, err := t.store.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, notWritten(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) { return scan(row) })
	return out, notWritten(err)
}

// Batches implements engine.Tx.
func (t *tx) Batches(ctx context.Context, nos []uint64) (map[uint64]uuid.UUID, error) {
	type row struct {
		no uint64
		id uuid.UUID
	}
	rows, err := query(ctx, t, func(s reader.Scanner) (r row, err error) { return r, s.Scan(&r.no, &r.id) },
		`SELECT no, id FROM batch WHERE no = ANY($1)`, nos)
	out := make(map[uint64]uuid.UUID, len(rows))
	for _, r := range rows {
		out[r.no] = r.id
	}
	return out, err
}

// Tail implements engine.Tx.
func (t *tx) Tail(ctx context.Context, after uint64) ([]engine.Row, error) {
	return query(ctx, t, reader.ScanRow, reader.RowSelect+`WHERE j.seq > $1 ORDER BY j.seq`, after)
}

// AccountsByNo implements engine.Tx.
func (t *tx) AccountsByNo(ctx context.Context, nos []uint64) ([]engine.LoadedAccount, error) {
	return query(ctx, t, reader.ScanAccount, reader.AccountSelect+`WHERE a.no = ANY($1)`, nos)
}

// Load implements engine.Tx.
func (t *tx) Load(ctx context.Context, need engine.Need) (engine.Loaded, error) {
	var l engine.Loaded
	var err error
	if len(need.Transfers) > 0 {
		if l.Transfers, err = t.transfers(ctx, `WHERE j.id = ANY($1)`, need.Transfers); err != nil {
			return l, err
		}
	}
	ids := need.Accounts
	for i := range l.Transfers {
		ids = append(ids, l.Transfers[i].Debit, l.Transfers[i].Credit)
	}
	if len(ids) > 0 {
		if l.Accounts, err = query(ctx, t, reader.ScanAccount, reader.AccountSelect+`WHERE a.id = ANY($1)`, ids); err != nil {
			return l, err
		}
	}
	if len(need.Records) > 0 {
		kinds, keys := make([]string, len(need.Records)), make([]string, len(need.Records))
		for i, n := range need.Records {
			kinds[i], keys[i] = n.Kind, n.Key
		}
		l.Records, err = query(ctx, t, reader.ScanRecord, reader.RecordSelect+
			`WHERE (kind, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))`, kinds, keys)
	}
	return l, err
}

// transfers reads transfers with what became of them.
func (t *tx) transfers(ctx context.Context, where string, args ...any) ([]engine.LoadedTransfer, error) {
	rows, err := query(ctx, t, reader.ScanRow, reader.RowSelect+where, args...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	out := make([]engine.LoadedTransfer, len(rows))
	at := make(map[uuid.UUID]*engine.LoadedTransfer, len(rows))
	ids := make([]uuid.UUID, len(rows))
	for i := range rows {
		out[i].Row, ids[i] = rows[i], rows[i].ID
		at[ids[i]] = &out[i]
	}
	type effect struct {
		ref      uuid.UUID
		ended    bool
		reversed int64
	}
	effects, err := query(ctx, t, func(s reader.Scanner) (e effect, err error) { return e, s.Scan(&e.ref, &e.ended, &e.reversed) },
		`SELECT ref, true, 0::bigint FROM journal WHERE kind IN (3, 4, 5) AND ref = ANY($1)
		 UNION ALL SELECT ref, false, amount FROM journal WHERE kind = 6 AND ref = ANY($1)`, ids)
	for _, e := range effects {
		at[e.ref].Ended = at[e.ref].Ended || e.ended
		at[e.ref].Reversed += e.reversed
	}
	return out, err
}

// Expiring implements engine.Tx.
func (t *tx) Expiring(ctx context.Context, after, until int64, limit int) ([]engine.LoadedTransfer, error) {
	return t.transfers(ctx, `WHERE j.kind = 2 AND j.expires > $1 AND j.expires <= $2 AND NOT EXISTS
		(SELECT 1 FROM journal e WHERE e.ref = j.id AND e.kind IN (3, 4, 5)) ORDER BY j.expires, j.seq LIMIT $3`, after, until, limit)
}

// notWritten classifies what failed before anything was written: a lost connection has lost nothing.
func notWritten(err error) error {
	err = classify(err)
	var refused *engine.RefusedError
	if err == nil || errors.Is(err, engine.ErrRetry) || errors.As(err, &refused) {
		return err
	}
	return fmt.Errorf("%w: %w", engine.ErrAway, err)
}

// classify turns PostgreSQL's errors into the engine's. What it does not know stays as it is: the outcome is open.
func classify(err error) error {
	var e *pgconn.PgError
	if err == nil || errors.Is(err, engine.ErrRetry) || !errors.As(err, &e) || e.Severity == "FATAL" || e.Severity == "PANIC" {
		return err
	}
	switch {
	case e.Code == "40003": // statement completion unknown
		return err
	case e.Code == "22012": // division by zero: how a statement says that it did not change what it should have
		return fmt.Errorf("%w: %w", engine.ErrMoved, err)
	case e.Code == "23505":
		return fmt.Errorf("%w: %w", engine.ErrDuplicate, err)
	case strings.HasPrefix(e.Code, "40"), e.Code == "55P03":
		return fmt.Errorf("%w: %w", engine.ErrRetry, err)
	case e.Code == "25006", strings.HasPrefix(e.Code, "57P"): // a standby, or a server that shuts down or starts
		return fmt.Errorf("%w: %w", engine.ErrAway, err)
	}
	return &engine.RefusedError{Err: err}
}
