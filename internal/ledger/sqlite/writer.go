package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
)

// many is how many rows one statement writes where there are enough: the cost of a call is shared by that many rows.
const many = 32

// bulk is an insert prepared for one row and for many.
type bulk struct {
	columns   int
	one, many *sql.Stmt
	args      []any
}

func prepareBulk(ctx context.Context, c *sql.Conn, into string, columns int, after string) (*bulk, error) {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", columns), ",") + ")"
	b := &bulk{columns: columns, args: make([]any, 0, many*columns)}
	var err error
	if b.one, err = c.PrepareContext(ctx, "INSERT INTO "+into+" VALUES "+row+after); err != nil {
		return nil, err
	}
	b.many, err = c.PrepareContext(ctx, "INSERT INTO "+into+" VALUES "+strings.TrimSuffix(strings.Repeat(row+",", many), ",")+after)
	return b, err
}

// write inserts n rows; row appends one row's values.
func (b *bulk) write(ctx context.Context, n int, row func(args []any, i int) []any) error {
	for i := 0; i < n; {
		stmt, rows := b.one, 1
		if n-i >= many {
			stmt, rows = b.many, many
		}
		b.args = b.args[:0]
		for range rows {
			b.args = row(b.args, i)
			i++
		}
		if _, err := stmt.ExecContext(ctx, b.args...); err != nil {
			return err
		}
	}
	clear(b.args[:cap(b.args)])
	return nil
}

// writer holds the prepared statements of the writing connection.
type writer struct {
	head                                                     *sql.Stmt
	update                                                   *sql.Stmt
	account, journal, batches, node, balance, window, record *bulk
}

func prepare(ctx context.Context, c *sql.Conn) (*writer, error) {
	w := &writer{}
	var err error
	if w.head, err = c.PrepareContext(ctx, `UPDATE head SET batch = ?, batch_id = ?, seq = ?, booked = ?, accounts = ?, flushed = ?, windows = ?,
		swept = ?, journal_frontier = ?, account_frontier = ? WHERE one = 1 AND batch = ? AND batch_id = ?`); err != nil {
		return nil, err
	}
	if w.update, err = c.PrepareContext(ctx, `UPDATE record SET version = ?, state = ?, grp = ?, due = ?, body = ?, digest = ?, updated = ?
		WHERE kind = ? AND key = ? AND version = ?`); err != nil {
		return nil, err
	}
	for _, b := range []struct {
		to      **bulk
		into    string
		columns int
		after   string
	}{
		{&w.account, "account", 9, ""},
		{&w.journal, "journal", 16, ""},
		{&w.batches, "batch", 4, ""},
		{&w.node, "node", 3, ""},
		{&w.balance, "balance", 6, ` ON CONFLICT (account) DO UPDATE SET debits = excluded.debits, credits = excluded.credits,
			pending_debits = excluded.pending_debits, pending_credits = excluded.pending_credits, seq = excluded.seq`},
		{&w.window, "window_position", 5, ` ON CONFLICT (win, account) DO UPDATE SET debits = debits + excluded.debits,
			credits = credits + excluded.credits, count = count + excluded.count`},
		{&w.record, "record", 10, ""},
	} {
		if *b.to, err = prepareBulk(ctx, c, b.into, b.columns, b.after); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", b.into, err)
		}
	}
	return w, nil
}

func (w *writer) close() error {
	err := errors.Join(w.head.Close(), w.update.Close())
	for _, b := range []*bulk{w.account, w.journal, w.batches, w.node, w.balance, w.window, w.record} {
		err = errors.Join(err, b.one.Close(), b.many.Close())
	}
	return err
}

// batch writes all of b but the commit.
func (w *writer) batch(ctx context.Context, b *engine.Batch) error {
	n := &b.Next
	res, err := w.head.ExecContext(ctx, n.Batch, n.BatchID[:], n.Seq, n.Booked, n.Accounts, n.Flushed, n.Windows, n.Swept,
		body(n.Journal), body(n.AccountLog), b.Prev.Batch, b.Prev.BatchID[:])
	if err != nil {
		return err
	}
	if moved, err := res.RowsAffected(); err != nil || moved != 1 {
		return errors.Join(err, engine.ErrMoved)
	}
	steps := []struct {
		to  *bulk
		n   int
		row func(args []any, i int) []any
	}{
		{w.batches, 1, func(a []any, _ int) []any { return append(a, n.Batch, n.BatchID[:], n.Seq, n.Booked) }},
		{w.account, len(b.Accounts), func(a []any, i int) []any {
			r := &b.Accounts[i]
			return append(a, r.No, r.ID, r.Owner, r.Participant, string(r.Type), string(r.Currency), optional(r.Floor), optional(r.Cap), r.Sum)
		}},
		{w.journal, len(b.Entries), func(a []any, i int) []any {
			e := &b.Entries[i]
			return append(a, e.Seq, ledger.Micros(e.Booked), e.ID[:], e.Kind.Code(), e.DebitNo, e.CreditNo, string(e.Amount.Currency()), e.Amount.Minor(),
				e.Released, ref(&e.Ref), when(ledger.Micros(e.Expires)), ledger.Days(e.ValueDate), e.Code, e.Reference, e.Window, e.Sum)
		}},
		{w.node, len(b.Nodes), func(a []any, i int) []any { return append(a, b.Nodes[i].Level, b.Nodes[i].Index, b.Nodes[i].Hash) }},
		{w.balance, len(b.Balances), func(a []any, i int) []any {
			r := &b.Balances[i]
			return append(a, r.No, r.Debits, r.Credits, r.PendingDebits, r.PendingCredits, r.Seq)
		}},
		{w.window, len(b.Windows), func(a []any, i int) []any {
			r := &b.Windows[i]
			return append(a, r.Window, r.No, r.Debits, r.Credits, r.Count)
		}},
	}
	for _, s := range steps {
		if err := s.to.write(ctx, s.n, s.row); err != nil {
			return err
		}
	}
	return w.records(ctx, b)
}

func (w *writer) records(ctx context.Context, b *engine.Batch) error {
	fresh := make([]*engine.RecordRow, 0, len(b.Records))
	for i := range b.Records {
		r := &b.Records[i]
		if r.Base == 0 {
			fresh = append(fresh, r)
			continue
		}
		res, err := w.update.ExecContext(ctx, r.Version, r.State, r.Group, when(ledger.Micros(r.Due)), body(r.Body), r.Digest[:], ledger.Micros(r.Updated), r.Kind, r.Key, r.Base)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, engine.ErrMoved)
		}
	}
	return w.record.write(ctx, len(fresh), func(a []any, i int) []any {
		r := fresh[i]
		return append(a, r.Kind, r.Key, r.Version, r.State, r.Group, when(ledger.Micros(r.Due)), body(r.Body), r.Digest[:], ledger.Micros(r.Created), ledger.Micros(r.Updated))
	})
}

func optional(v *int64) any {
	if v == nil {
		return nil
	}
	return *v
}

func ref(id *uuid.UUID) any {
	if *id == uuid.Nil {
		return nil
	}
	return id[:]
}

func when(us int64) any {
	if us == 0 {
		return nil
	}
	return us
}

// body is b, and no bytes rather than NULL where b is nil.
func body(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
