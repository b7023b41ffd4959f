package engine

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

// mayMove checks balances, the state of the transfer referred to, and the range of the sums.
func (p *plan) mayMove(i int, row *Row, ref *transfer, debit, credit *account) error {
	amount := row.Amount.Minor()
	at := func(field string) string { return "transfers[" + strconv.Itoa(i) + "]." + field }
	switch row.Kind {
	case ledger.Post, ledger.Void:
		return mayEnd(row, ref, p.booked)
	case ledger.Expire:
		return nil
	case ledger.Reverse:
		if !Counts(ref.row.Kind) || ref.row.Kind == ledger.Reverse {
			return &ledger.InvalidError{Field: at("ref"), Value: row.Ref.String(), Why: fmt.Sprintf("is a %s: only an immediate or a post can be reversed", ref.row.Kind)}
		}
		if left := ref.row.Amount.Minor() - ref.reversed; amount > left {
			return &ledger.InvalidError{Field: at("amount"), Value: row.Amount.String(),
				Why: fmt.Sprintf("of %s only %s are left to reverse", ref.row.Amount, money.FromMinor(left, row.Amount.Currency()))}
		}
	case ledger.Reserve:
		if !row.Expires.IsZero() {
			if !row.Expires.After(p.booked) {
				return &ledger.InvalidError{Field: at("expires"), Value: row.Expires.Format(time.RFC3339Nano), Why: "is not after the booking time " + p.booked.Format(time.RFC3339Nano)}
			}
			if row.Expires.After(p.booked.Add(ledger.MaxReserve)) {
				return &ledger.InvalidError{Field: at("expires"), Value: row.Expires.Format(time.RFC3339Nano), Why: "is more than 30 days away"}
			}
		}
	}
	if debit.sums.Debits+debit.sums.PendingDebits > math.MaxInt64-amount {
		return &ledger.InvalidError{Field: at("amount"), Value: row.Amount.String(), Why: fmt.Sprintf("overflows the debits of account %q", debit.ID)}
	}
	if credit.sums.Credits+credit.sums.PendingCredits > math.MaxInt64-amount {
		return &ledger.InvalidError{Field: at("amount"), Value: row.Amount.String(), Why: fmt.Sprintf("overflows the credits of account %q", credit.ID)}
	}
	if err := debit.mayChange(amount, debit.Type.DebitNormal()); err != nil {
		return err
	}
	return credit.mayChange(amount, !credit.Type.DebitNormal())
}

func mayEnd(row *Row, ref *transfer, now time.Time) error {
	id := row.Ref.String()
	switch {
	case ref.row.Kind != ledger.Reserve:
		return &ledger.ConflictError{What: "reserve", ID: id, Why: "is a transfer of kind " + string(ref.row.Kind)}
	case ref.ended:
		return &ledger.ConflictError{What: "reserve", ID: id, Why: "has been posted, voided or has expired"}
	case !now.Before(ref.row.Expires):
		return &ledger.ConflictError{What: "reserve", ID: id, Why: "expired at " + ref.row.Expires.Format(time.RFC3339Nano)}
	case row.Amount.Minor() > row.Released:
		return &ledger.InvalidError{Field: "amount", Value: row.Amount.String(), Why: "is more than was reserved, " + ref.row.Amount.String()}
	}
	return nil
}

// mayChange checks the account's floor (out) or cap (in) for amount more.
func (a *account) mayChange(amount int64, in bool) error {
	b := Standing(a.Type, a.sums)
	if in {
		if a.Cap != nil && b.Posted+b.PendingIn+amount > *a.Cap {
			return &ledger.InsufficientError{Account: a.ID, Available: *a.Cap - b.Posted - b.PendingIn, Needed: amount, Limit: "cap"}
		}
		return nil
	}
	if a.Floor != nil && b.Available-amount < *a.Floor {
		return &ledger.InsufficientError{Account: a.ID, Available: b.Available - *a.Floor, Needed: amount, Limit: "floor"}
	}
	return nil
}

// Standing is the balance that sums make on the normal side of an account of type t.
func Standing(t ledger.AccountType, s Sums) ledger.Balance {
	b := ledger.Balance{Posted: s.Credits - s.Debits, PendingIn: s.PendingCredits, PendingOut: s.PendingDebits}
	if t.DebitNormal() {
		b = ledger.Balance{Posted: s.Debits - s.Credits, PendingIn: s.PendingDebits, PendingOut: s.PendingCredits}
	}
	b.Available = b.Posted - b.PendingOut
	return b
}

// differs says in which field a transfer asked for again differs from the one booked, "" where it is the same.
func differs(old, now *Row) string {
	expires, value := now.Expires, now.ValueDate
	if value.IsZero() {
		value = ledger.FromDays(ledger.Days(old.Booked))
	}
	if now.Kind == ledger.Reserve && expires.IsZero() {
		expires = old.Booked.Add(ledger.MaxReserve)
	}
	fields := [...]struct {
		name string
		same bool
	}{
		{"kind", old.Kind == now.Kind}, {"debit", old.Debit == now.Debit}, {"credit", old.Credit == now.Credit},
		{"amount", old.Amount == now.Amount}, {"ref", old.Ref == now.Ref}, {"expires", old.Expires.Equal(expires)},
		{"valueDate", old.ValueDate.Equal(value)}, {"code", old.Code == now.Code}, {"reference", old.Reference == now.Reference},
		{"window", old.Window == now.Window},
	}
	if i := slices.IndexFunc(fields[:], func(f struct {
		name string
		same bool
	}) bool {
		return !f.same
	}); i >= 0 {
		return "was booked before with another " + fields[i].name
	}
	return ""
}
