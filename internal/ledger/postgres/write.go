package postgres

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
)

// Statements of a batch. Those that must change what they name divide by zero where they did not, because within a pipeline only an
// error keeps the COMMIT behind them from happening. The two that write most take arrays of one length apart side by side, which costs
// PostgreSQL a third less than one unnest of all in FROM, where it keeps each in a store of its own first.
const (
	moveHead = `WITH moved AS (UPDATE head SET batch = $1, batch_id = $2, seq = $3, booked = $4, accounts = $5, flushed = $6, windows = $7,
		swept = $8, journal_frontier = $9, account_frontier = $10 WHERE one = 1 AND batch = $11 AND batch_id = $12 RETURNING 1)
		SELECT 1 / count(*) FROM moved`
	insertBatch    = `INSERT INTO batch (no, id, seq, booked) VALUES ($1, $2, $3, $4)`
	insertAccounts = `INSERT INTO account (no, id, owner, participant, type, currency, floor, cap, sum)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[])`
	insertJournal = `INSERT INTO journal (seq, booked, id, debit, credit, amount, released, ref, expires, value_date, kind, currency, code, reference, win, sum)
		SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::uuid[]), unnest($4::bigint[]), unnest($5::bigint[]), unnest($6::bigint[]),
		unnest($7::bigint[]), unnest($8::uuid[]), unnest($9::bigint[]), unnest($10::integer[]), unnest($11::smallint[]), unnest($12::text[]),
		unnest($13::text[]), unnest($14::text[]), unnest($15::text[]), unnest($16::bigint[])`
	insertNodes    = `INSERT INTO node (level, idx, hash) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])`
	upsertBalances = `INSERT INTO balance (account, seq, debits, credits, pending_debits, pending_credits)
		SELECT a, $2::bigint, d, c, pd, pc FROM unnest($1::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) AS x (a, d, c, pd, pc)
		ON CONFLICT (account) DO UPDATE SET seq = excluded.seq, debits = excluded.debits, credits = excluded.credits,
		pending_debits = excluded.pending_debits, pending_credits = excluded.pending_credits`
	addWindows = `INSERT INTO window_position AS w (win, account, debits, credits, count)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
		ON CONFLICT (win, account) DO UPDATE SET debits = w.debits + excluded.debits, credits = w.credits + excluded.credits, count = w.count + excluded.count`
	insertRecords = `INSERT INTO record (kind, key, version, state, grp, due, body, digest, created, updated)
		SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::bigint[]), unnest($4::text[]), unnest($5::text[]), unnest($6::bigint[]),
		unnest($7::bytea[]), unnest($8::bytea[]), unnest($9::bigint[]), unnest($10::bigint[])`
	updateRecords = `WITH done AS (UPDATE record r SET version = x.version, state = x.state, grp = x.grp, due = x.due, body = x.body, digest = x.digest,
		updated = x.updated FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bytea[], $8::bytea[], $9::bigint[], $10::bigint[])
		AS x (kind, key, version, state, grp, due, body, digest, updated, base)
		WHERE r.kind = x.kind AND r.key = x.key AND r.version = x.base RETURNING 1)
		SELECT 1 / CASE WHEN count(*) = $11::bigint THEN 1 ELSE 0 END FROM done`
)

func queue(q *pgx.Batch, b *engine.Batch) {
	n := &b.Next
	q.Queue(moveHead, n.Batch, id(n.BatchID), n.Seq, n.Booked, n.Accounts, n.Flushed, n.Windows, n.Swept, blob(n.Journal), blob(n.AccountLog),
		b.Prev.Batch, id(b.Prev.BatchID))
	q.Queue(insertBatch, n.Batch, id(n.BatchID), n.Seq, n.Booked)
	queueAccounts(q, b.Accounts)
	queueJournal(q, b.Entries)
	if len(b.Nodes) > 0 {
		q.Queue(insertNodes, column(b.Nodes, func(i int) int16 { return int16(b.Nodes[i].Level) }),
			column(b.Nodes, func(i int) int64 { return int64(b.Nodes[i].Index) }), column(b.Nodes, func(i int) []byte { return b.Nodes[i].Hash }))
	}
	if r := b.Balances; len(r) > 0 {
		q.Queue(upsertBalances, column(r, func(i int) int64 { return int64(r[i].No) }), n.Seq,
			column(r, func(i int) int64 { return r[i].Debits }), column(r, func(i int) int64 { return r[i].Credits }),
			column(r, func(i int) int64 { return r[i].PendingDebits }), column(r, func(i int) int64 { return r[i].PendingCredits }))
	}
	if r := b.Windows; len(r) > 0 {
		q.Queue(addWindows, column(r, func(i int) string { return r[i].Window }), column(r, func(i int) int64 { return int64(r[i].No) }),
			column(r, func(i int) int64 { return r[i].Debits }), column(r, func(i int) int64 { return r[i].Credits }),
			column(r, func(i int) int64 { return r[i].Count }))
	}
	var fresh, changed []engine.RecordRow
	for i := range b.Records {
		if b.Records[i].Base == 0 {
			fresh = append(fresh, b.Records[i])
		} else {
			changed = append(changed, b.Records[i])
		}
	}
	if len(fresh) > 0 {
		args := recordColumns(fresh)
		q.Queue(insertRecords, append(args, column(fresh, func(i int) int64 { return ledger.Micros(fresh[i].Created) }),
			column(fresh, func(i int) int64 { return ledger.Micros(fresh[i].Updated) }))...)
	}
	if len(changed) > 0 {
		args := recordColumns(changed)
		q.Queue(updateRecords, append(args, column(changed, func(i int) int64 { return ledger.Micros(changed[i].Updated) }),
			column(changed, func(i int) int64 { return changed[i].Base }), len(changed))...)
	}
}

func queueAccounts(q *pgx.Batch, r []engine.AccountRow) {
	if len(r) == 0 {
		return
	}
	q.Queue(insertAccounts, column(r, func(i int) int64 { return int64(r[i].No) }), column(r, func(i int) string { return r[i].ID }),
		column(r, func(i int) string { return r[i].Owner }), column(r, func(i int) string { return r[i].Participant }),
		column(r, func(i int) string { return string(r[i].Type) }), column(r, func(i int) string { return string(r[i].Currency) }),
		column(r, func(i int) *int64 { return r[i].Floor }), column(r, func(i int) *int64 { return r[i].Cap }),
		column(r, func(i int) int64 { return r[i].Sum }))
}

func queueJournal(q *pgx.Batch, r []engine.Row) {
	if len(r) == 0 {
		return
	}
	q.Queue(insertJournal, column(r, func(i int) int64 { return int64(r[i].Seq) }),
		column(r, func(i int) int64 { return ledger.Micros(r[i].Booked) }), column(r, func(i int) pgtype.UUID { return id(r[i].ID) }),
		column(r, func(i int) int64 { return int64(r[i].DebitNo) }), column(r, func(i int) int64 { return int64(r[i].CreditNo) }),
		column(r, func(i int) int64 { return r[i].Amount.Minor() }), column(r, func(i int) int64 { return r[i].Released }),
		column(r, func(i int) pgtype.UUID { return pgtype.UUID{Bytes: r[i].Ref, Valid: r[i].Ref != uuid.Nil} }),
		column(r, func(i int) pgtype.Int8 { return when(ledger.Micros(r[i].Expires)) }),
		column(r, func(i int) int32 { return ledger.Days(r[i].ValueDate) }), column(r, func(i int) int16 { return int16(r[i].Kind.Code()) }),
		column(r, func(i int) string { return string(r[i].Amount.Currency()) }), column(r, func(i int) string { return r[i].Code }),
		column(r, func(i int) string { return r[i].Reference }), column(r, func(i int) string { return r[i].Window }),
		column(r, func(i int) int64 { return r[i].Sum }))
}

func recordColumns(r []engine.RecordRow) []any {
	return []any{
		column(r, func(i int) string { return r[i].Kind }), column(r, func(i int) string { return r[i].Key }),
		column(r, func(i int) int64 { return r[i].Version }), column(r, func(i int) string { return r[i].State }),
		column(r, func(i int) string { return r[i].Group }), column(r, func(i int) pgtype.Int8 { return when(ledger.Micros(r[i].Due)) }),
		column(r, func(i int) []byte { return blob(r[i].Body) }), column(r, func(i int) []byte { return r[i].Digest[:] }),
	}
}

// column is one column of rows as an array.
func column[R, T any](rows []R, value func(i int) T) []T {
	out := make([]T, len(rows))
	for i := range rows {
		out[i] = value(i)
	}
	return out
}

func id(v uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: v, Valid: true} }

func when(us int64) pgtype.Int8 { return pgtype.Int8{Int64: us, Valid: us != 0} }

// blob is b, and no bytes rather than NULL where b is nil.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
