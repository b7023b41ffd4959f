package statement

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/camt053"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/money"
)

// Source is a store as a statement reads it.
type Source interface {
	Account(ctx context.Context, id string) (ledger.Account, error)
	BalanceAt(ctx context.Context, account string, at time.Time) (ledger.Balance, error)
	ScanAccount(ctx context.Context, account string, after, until uint64, visit func(*ledger.Entry) error) error
	CountEntries(ctx context.Context, account string, after, until uint64) (uint64, error)
}

// Request says which statement is wanted.
type Request struct {
	Account string
	// From and To bound the booking times: after From, at or before To.
	From, To time.Time
	// Created is when the statement was made.
	Created time.Time
	// Progress, where set, is told how many of the entries are done.
	Progress func(done, total uint64)
}

// Write writes the statement to w and returns how many entries it shows. After an error w holds no statement.
func Write(ctx context.Context, src Source, w io.Writer, q Request) (uint64, error) {
	if !q.From.Before(q.To) {
		return 0, &ledger.InvalidError{Field: "from", Value: q.From.Format(time.RFC3339), Why: "is not before " + q.To.Format(time.RFC3339)}
	}
	account, err := src.Account(ctx, q.Account)
	if err != nil {
		return 0, err
	}
	opening, err := src.BalanceAt(ctx, q.Account, q.From)
	if err != nil {
		return 0, err
	}
	closing, err := src.BalanceAt(ctx, q.Account, q.To)
	if err != nil {
		return 0, err
	}
	total := uint64(0)
	if q.Progress != nil {
		if total, err = src.CountEntries(ctx, q.Account, opening.Seq, closing.Seq); err != nil {
			return 0, err
		}
	}
	id := short(fmt.Sprintf("%s/%d/%d", q.Account, opening.Seq, closing.Seq), 35)
	out, err := camt053.NewWriter(w, camt053.Header{
		MessageID: id, StatementID: id, Created: moment(q.Created), From: moment(q.From), To: moment(q.To),
		Account: iso20022.Account{Other: short(account.ID, 34), Currency: account.Currency, Name: cut(account.ID, 70)},
		Opening: side(account.Type, opening), OpeningDay: day(q.From), Closing: side(account.Type, closing), ClosingDay: day(q.To),
	})
	if err != nil {
		return 0, err
	}
	var seen, shown uint64
	err = src.ScanAccount(ctx, q.Account, opening.Seq, closing.Seq, func(e *ledger.Entry) error {
		if seen++; q.Progress != nil && seen%1000 == 0 {
			q.Progress(seen, total)
		}
		if !engine.Counts(e.Kind) {
			return nil
		}
		shown++
		return out.Entry(entry(e, q.Account))
	})
	if err != nil {
		return 0, err
	}
	if q.Progress != nil {
		q.Progress(seen, total)
	}
	return shown, out.Close()
}

// side is a balance as credits less debits.
func side(t ledger.AccountType, b ledger.Balance) money.Amount {
	a := money.FromMinor(b.Posted, b.Currency)
	if t.DebitNormal() {
		return a.Neg()
	}
	return a
}

func entry(e *ledger.Entry, account string) camt053.Entry {
	x := camt053.Entry{
		Reference: hex.EncodeToString(e.ID[:]), ServicerRef: strconv.FormatUint(e.Seq, 10), Amount: e.Amount,
		Reversal: e.Kind == ledger.Reverse, Booked: moment(e.Booked), Value: day(e.ValueDate), Proprietary: e.Code,
	}
	other := e.Debit
	if e.Debit == account {
		x.Amount, other = e.Amount.Neg(), e.Credit
	}
	if x.Proprietary == "" {
		x.Proprietary = string(e.Kind)
	}
	if len(e.Reference) <= 35 {
		x.EndToEndID = e.Reference
	} else {
		x.Remittance = e.Reference
	}
	x.Additional = "with " + other
	if e.Window != "" {
		x.Additional += ", window " + e.Window
	}
	return x
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func cut(s string, n int) string { return s[:min(len(s), n)] }

// short is s, or where it is longer than n a fingerprint of it.
func short(s string, n int) string {
	if len(s) <= n {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:min(n, 32)]
}
