package engine

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

// result is what one commit of a group became.
type result struct {
	receipt ledger.Receipt
	err     error
}

// plan is a batch in the making.
type plan struct {
	*state
	booked  time.Time
	accts   []AccountRow
	entries []Row
	records []RecordRow
	swept   int64 // what the head's Swept becomes at least
	force   bool  // write even where there is nothing to write
}

func newPlan(s *state, now time.Time) *plan {
	booked := max(now.UnixMicro(), s.head.Booked+1)
	return &plan{state: s, booked: ledger.FromMicros(booked)}
}

func (p *plan) seq() uint64 { return p.head.Seq + uint64(len(p.entries)) }

func (p *plan) empty() bool { return len(p.accts)+len(p.entries)+len(p.records) == 0 }

// commit plans c whole, or leaves no trace of it.
func (p *plan) commit(c *ledger.Commit) result {
	mark, accts, entries, records := p.mark(), len(p.accts), len(p.entries), len(p.records)
	receipt, err := p.tryCommit(c)
	if err != nil {
		p.rollback(mark)
		p.accts, p.entries, p.records = p.accts[:accts], p.entries[:entries], p.records[:records]
		return result{err: err}
	}
	return result{receipt: receipt}
}

func (p *plan) tryCommit(c *ledger.Commit) (ledger.Receipt, error) {
	receipt := ledger.Receipt{Booked: p.booked}
	again, err := p.replayed(c)
	if err != nil {
		return receipt, err
	}
	if !again {
		for i := range c.Requires {
			if err := p.require(&c.Requires[i], c.Puts); err != nil {
				return receipt, err
			}
		}
	}
	for i := range c.Accounts {
		if err := p.account(&c.Accounts[i]); err != nil {
			return receipt, err
		}
	}
	if len(c.Transfers) > 0 {
		receipt.Entries = make([]ledger.Entry, 0, len(c.Transfers))
	}
	for i := range c.Transfers {
		e, err := p.transfer(i, &c.Transfers[i])
		if err != nil {
			return receipt, err
		}
		receipt.Entries = append(receipt.Entries, e)
	}
	if again && len(receipt.Entries) > 0 {
		receipt.Booked = receipt.Entries[0].Booked
	}
	for i := range c.Puts {
		if err := p.put(&c.Puts[i], again); err != nil {
			return receipt, err
		}
	}
	return receipt, nil
}

// replayed reports whether c was booked before: all its transfers are there or, where it has none, all its puts.
func (p *plan) replayed(c *ledger.Commit) (bool, error) {
	for i := range c.Transfers {
		if p.transfers[c.Transfers[i].ID] == nil {
			return false, nil
		}
	}
	if len(c.Transfers) > 0 {
		return true, nil
	}
	for i := range c.Puts {
		put := &c.Puts[i]
		r := p.state.records[RecordName{put.Kind, put.Key}]
		if r.version != put.Expect+1 || r.digest != putDigest(put) {
			return false, nil
		}
	}
	return len(c.Puts) > 0, nil
}

func (p *plan) account(a *ledger.Account) error {
	if old := p.accounts[a.ID]; old != nil {
		if why := accountDiffers(&old.Account, a); why != "" {
			return &ledger.ConflictError{What: "account", ID: a.ID, Why: why}
		}
		return nil
	}
	row := AccountRow{Account: *a, No: p.head.Accounts + uint64(len(p.accts)) + 1}
	p.accts = append(p.accts, row)
	p.addAccount(row).used = p.head.Batch
	return nil
}

func accountDiffers(old, a *ledger.Account) string {
	limit := func(v *int64) string {
		if v == nil {
			return "none"
		}
		return strconv.FormatInt(*v, 10)
	}
	for _, f := range [...]struct{ field, old, now string }{
		{"owner", old.Owner, a.Owner}, {"participant", old.Participant, a.Participant}, {"type", string(old.Type), string(a.Type)},
		{"currency", string(old.Currency), string(a.Currency)}, {"floor", limit(old.Floor), limit(a.Floor)}, {"cap", limit(old.Cap), limit(a.Cap)},
	} {
		if f.old != f.now {
			return fmt.Sprintf("exists with %s %q, not %q", f.field, f.old, f.now)
		}
	}
	return ""
}

// transfer plans c's i-th transfer, or finds it booked.
func (p *plan) transfer(i int, t *ledger.Transfer) (ledger.Entry, error) {
	row := Row{Entry: ledger.Entry{Transfer: *t, Booked: p.booked}}
	ref, err := p.resolve(i, &row)
	if err != nil {
		return ledger.Entry{}, err
	}
	if old := p.transfers[t.ID]; old != nil {
		if why := differs(&old.row, &row); why != "" {
			return ledger.Entry{}, &ledger.ConflictError{What: "transfer", ID: t.ID.String(), Why: why}
		}
		return old.row.Entry, nil
	}
	at := func(field string) string { return "transfers[" + strconv.Itoa(i) + "]." + field }
	debit, credit := p.accounts[row.Debit], p.accounts[row.Credit]
	if debit == nil {
		return ledger.Entry{}, &ledger.NotFoundError{What: "account", ID: row.Debit}
	}
	if credit == nil {
		return ledger.Entry{}, &ledger.NotFoundError{What: "account", ID: row.Credit}
	}
	for _, a := range [2]*account{debit, credit} {
		if a.Currency != row.Amount.Currency() {
			return ledger.Entry{}, &ledger.InvalidError{Field: at("amount.currency"), Value: string(row.Amount.Currency()),
				Why: fmt.Sprintf("account %q is in %s", a.ID, a.Currency)}
		}
	}
	if err := p.mayMove(i, &row, ref, debit, credit); err != nil {
		return ledger.Entry{}, err
	}
	row.Seq = p.seq() + 1
	row.DebitNo, row.CreditNo = debit.no, credit.no
	if row.ValueDate.IsZero() {
		row.ValueDate = ledger.FromDays(ledger.Days(p.booked))
	}
	if row.Kind == ledger.Reserve && row.Expires.IsZero() {
		row.Expires = p.booked.Add(ledger.MaxReserve)
	}
	p.book(&row, ref, debit, credit)
	return row.Entry, nil
}

func (p *plan) book(row *Row, ref *transfer, debit, credit *account) {
	p.touch(debit, row.Seq)
	p.touch(credit, row.Seq)
	debit.used, credit.used = p.head.Batch, p.head.Batch
	Apply(&row.Entry, &debit.sums, &credit.sums)
	if ref != nil {
		p.changeTransfer(ref)
		if row.Kind == ledger.Reverse {
			ref.reversed += row.Amount.Minor()
		} else {
			ref.ended = true
		}
	}
	p.addTransfer(*row)
	p.entries = append(p.entries, *row)
}

// resolve fills what follows from the transfer that row refers to, and brings times to what is stored.
func (p *plan) resolve(i int, row *Row) (*transfer, error) {
	if !row.ValueDate.IsZero() {
		row.ValueDate = ledger.FromDays(ledger.Days(row.ValueDate))
	}
	if !row.Expires.IsZero() {
		row.Expires = ledger.FromMicros(ledger.Micros(row.Expires))
	}
	if row.Ref == uuid.Nil {
		return nil, nil
	}
	ref := p.transfers[row.Ref]
	if ref == nil {
		what := "transfer"
		if row.Kind != ledger.Reverse {
			what = "reserve"
		}
		return nil, &ledger.NotFoundError{What: what, ID: row.Ref.String()}
	}
	debit, credit, currency := ref.row.Debit, ref.row.Credit, ref.row.Amount.Currency()
	if row.Kind == ledger.Reverse {
		debit, credit = credit, debit
	} else {
		row.Released = ref.row.Amount.Minor()
	}
	at := "transfers[" + strconv.Itoa(i) + "]."
	if row.Debit != "" && row.Debit != debit {
		return nil, &ledger.InvalidError{Field: at + "debit", Value: row.Debit, Why: fmt.Sprintf("the transfer referred to makes it %q", debit)}
	}
	if row.Credit != "" && row.Credit != credit {
		return nil, &ledger.InvalidError{Field: at + "credit", Value: row.Credit, Why: fmt.Sprintf("the transfer referred to makes it %q", credit)}
	}
	if c := row.Amount.Currency(); c != "" && c != currency {
		return nil, &ledger.InvalidError{Field: at + "amount.currency", Value: string(c), Why: "the transfer referred to is in " + string(currency)}
	}
	row.Debit, row.Credit = debit, credit
	row.Amount = money.FromMinor(row.Amount.Minor(), currency)
	if row.Kind == ledger.Post && row.Amount.IsZero() {
		row.Amount = ref.row.Amount
	}
	return ref, nil
}

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
