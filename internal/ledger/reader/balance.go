package reader

import (
	"context"
	"strconv"
	"strings"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/money"
)

// effects are a journal row's part in its debit account's sums (as debits) and its credit account's (as credits): posted and pending.
const (
	postedEffect  = `CASE WHEN kind = 2 THEN 0 ELSE amount END`
	pendingEffect = `CASE WHEN kind = 2 THEN amount ELSE -released END`
)

// sumsSelect sums an account's entries: ?1 its number, ?2 the entry that is the last not to be counted, ?3 the last to be counted.
const sumsSelect = `SELECT
	(SELECT COALESCE(SUM(` + postedEffect + `), 0) FROM journal WHERE debit = ?1 AND seq > ?2 AND seq <= ?3),
	(SELECT COALESCE(SUM(` + postedEffect + `), 0) FROM journal WHERE credit = ?1 AND seq > ?2 AND seq <= ?3),
	(SELECT COALESCE(SUM(` + pendingEffect + `), 0) FROM journal WHERE debit = ?1 AND seq > ?2 AND seq <= ?3),
	(SELECT COALESCE(SUM(` + pendingEffect + `), 0) FROM journal WHERE credit = ?1 AND seq > ?2 AND seq <= ?3)`

func scanSums(s Scanner) (engine.Sums, error) {
	var v engine.Sums
	return v, s.Scan(&v.Debits, &v.Credits, &v.PendingDebits, &v.PendingCredits)
}

func add(a, b engine.Sums, sign int64) engine.Sums {
	return engine.Sums{
		Debits: a.Debits + sign*b.Debits, Credits: a.Credits + sign*b.Credits,
		PendingDebits: a.PendingDebits + sign*b.PendingDebits, PendingCredits: a.PendingCredits + sign*b.PendingCredits,
	}
}

func (r *Reader) loadAccount(ctx context.Context, id string) (engine.LoadedAccount, error) {
	return one(ctx, r, ScanAccount, "account", id, AccountSelect+`WHERE a.id = ?1`, id)
}

// Balance implements ledger.Ledger. The row is read first; the journal's entries never change, so what the row lacks up to the head
// read after it is exact even though the two are separate statements.
func (r *Reader) Balance(ctx context.Context, account string) (ledger.Balance, error) {
	a, err := r.loadAccount(ctx, account)
	if err != nil {
		return ledger.Balance{}, err
	}
	head, err := r.Head(ctx)
	if err != nil {
		return ledger.Balance{}, err
	}
	return r.balance(ctx, &a, head.Seq)
}

// BalanceAt implements ledger.Ledger.
func (r *Reader) BalanceAt(ctx context.Context, account string, at time.Time) (ledger.Balance, error) {
	a, err := r.loadAccount(ctx, account)
	if err != nil {
		return ledger.Balance{}, err
	}
	seq, err := r.SeqAt(ctx, at)
	if err != nil {
		return ledger.Balance{}, err
	}
	return r.balance(ctx, &a, seq)
}

// balance is a's balance after entry seq, counted forwards from its row or backwards to before it.
func (r *Reader) balance(ctx context.Context, a *engine.LoadedAccount, seq uint64) (ledger.Balance, error) {
	from, to, sign := a.Balance.Seq, seq, int64(1)
	if from > to {
		from, to, sign = to, from, -1
	}
	delta, err := one(ctx, r, scanSums, "account", a.ID, sumsSelect, a.No, from, to)
	if err != nil {
		return ledger.Balance{}, err
	}
	b := engine.Standing(a.Type, add(a.Balance.Sums, delta, sign))
	b.Account, b.Currency, b.Seq = a.ID, a.Currency, seq
	return b, nil
}

// SeqAt is the last entry booked at or before at. Booking time rises along the journal, so it is found by halving.
func (r *Reader) SeqAt(ctx context.Context, at time.Time) (uint64, error) {
	head, err := r.Head(ctx)
	if err != nil {
		return 0, err
	}
	if at.UnixMicro() >= head.Booked {
		return head.Seq, nil
	}
	low, high := uint64(0), head.Seq // low is booked by then, high+1 is not
	for low < high {
		mid := low + (high-low+1)/2
		booked, err := one(ctx, r, func(s Scanner) (us int64, err error) { return us, s.Scan(&us) }, "entry", strconv.FormatUint(mid, 10),
			`SELECT booked FROM journal WHERE seq = ?1`, mid)
		if err != nil {
			return 0, err
		}
		if booked <= at.UnixMicro() {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low, nil
}

// TrialBalance implements ledger.Ledger: the balance rows, plus all entries that a row does not count yet, in one statement.
func (r *Reader) TrialBalance(ctx context.Context) ([]ledger.TrialLine, error) {
	const missing = `FROM journal j JOIN account a ON a.no = j.%s LEFT JOIN balance b ON b.account = a.no
		WHERE j.seq > (SELECT flushed FROM head) AND j.seq <= (SELECT seq FROM head) AND j.seq > COALESCE(b.seq, 0)`
	const effect = `CASE WHEN j.kind = 2 THEN 0 ELSE j.amount END`
	type line struct {
		typ      string
		currency string
		debits   int64
		credits  int64
		accounts int
	}
	lines, err := each(ctx, r, func(s Scanner) (l line, err error) {
		return l, s.Scan(&l.typ, &l.currency, &l.debits, &l.credits, &l.accounts)
	}, `SELECT type, currency, CAST(SUM(debits) AS BIGINT), CAST(SUM(credits) AS BIGINT), CAST(SUM(accounts) AS BIGINT) FROM (
		SELECT a.type, a.currency, COALESCE(b.debits, 0) AS debits, COALESCE(b.credits, 0) AS credits, 1 AS accounts
			FROM account a LEFT JOIN balance b ON b.account = a.no
		UNION ALL SELECT a.type, a.currency, `+effect+`, 0, 0 `+sideOf(missing, "debit")+`
		UNION ALL SELECT a.type, a.currency, 0, `+effect+`, 0 `+sideOf(missing, "credit")+`
	) x GROUP BY type, currency ORDER BY currency, type`)
	if err != nil {
		return nil, err
	}
	out := make([]ledger.TrialLine, len(lines))
	for i, l := range lines {
		c := money.Currency(l.currency)
		out[i] = ledger.TrialLine{Type: ledger.AccountType(l.typ), Currency: c, Accounts: l.accounts,
			Debits: money.FromMinor(l.debits, c), Credits: money.FromMinor(l.credits, c)}
	}
	return out, nil
}

// WindowPositions implements ledger.Ledger: the positions kept, plus the window's entries that they do not count yet, in one statement.
func (r *Reader) WindowPositions(ctx context.Context, window string) ([]ledger.Position, error) {
	// The upper bound changes nothing but the plan: PostgreSQL takes a range with one end for a third of the journal, and reads all of it.
	const missing = `FROM journal WHERE win = ?1 AND win <> '' AND kind IN (1, 3, 6) AND seq > (SELECT windows FROM head) AND seq <= (SELECT seq FROM head)`
	return each(ctx, r, func(s Scanner) (p ledger.Position, err error) {
		var currency string
		err = s.Scan(&p.Account, &currency, &p.Debits, &p.Credits, &p.Count)
		p.Currency = money.Currency(currency)
		return p, err
	}, `SELECT a.id, a.currency, CAST(SUM(x.debits) AS BIGINT), CAST(SUM(x.credits) AS BIGINT), CAST(SUM(x.count) AS BIGINT) FROM (
		SELECT account, debits, credits, count FROM window_position WHERE win = ?1
		UNION ALL SELECT debit, amount, 0, 1 `+missing+`
		UNION ALL SELECT credit, 0, amount, 1 `+missing+`
	) x JOIN account a ON a.no = x.account GROUP BY a.id, a.currency ORDER BY a.id`, window)
}

func sideOf(query, column string) string { return strings.ReplaceAll(query, "%s", column) }
