package engine

import (
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/merkle"
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
	hashes  []merkle.Hash // the entries' leaves
	records []RecordRow
	swept   int64 // what the head's Swept becomes at least
	force   bool  // write even where there is nothing to write
	again   bool  // a record may have been put more than once
}

func newPlan(s *state, now time.Time) *plan {
	booked := max(now.UnixMicro(), s.head.Booked+1)
	return &plan{state: s, booked: ledger.FromMicros(booked), entries: make([]Row, 0, s.usual), hashes: make([]merkle.Hash, 0, s.usual)}
}

func (p *plan) seq() uint64 { return p.head.Seq + uint64(len(p.entries)) }

func (p *plan) empty() bool { return len(p.accts)+len(p.entries)+len(p.records) == 0 }

// commit plans c whole, or leaves no trace of it.
func (p *plan) commit(c *ledger.Commit) result {
	mark, accts, entries, records := p.mark(), len(p.accts), len(p.entries), len(p.records)
	receipt, err := p.tryCommit(c)
	if err != nil {
		p.rollback(mark)
		p.accts, p.entries, p.hashes, p.records = p.accts[:accts], p.entries[:entries], p.hashes[:entries], p.records[:records]
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
	made := &transfer{row: Row{Entry: ledger.Entry{Transfer: *t, Booked: p.booked}}}
	row := &made.row
	ref, err := p.resolve(i, row)
	if err != nil {
		return ledger.Entry{}, err
	}
	if old := p.transfers[t.ID]; old != nil {
		if why := differs(&old.row, row); why != "" {
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
	if err := p.mayMove(i, row, ref, debit, credit); err != nil {
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
	p.book(made, ref, debit, credit)
	return row.Entry, nil
}

func (p *plan) book(t, ref *transfer, debit, credit *account) {
	row := &t.row
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
	p.enter(row)
	p.addTransfer(t)
}

// enter puts a row that is complete but for its checksum into the batch.
func (p *plan) enter(row *Row) {
	p.leaf = row.AppendCanonical(merkle.Leaf(p.leaf))
	hash := merkle.Sum(p.leaf)
	row.Sum = merkle.Short(hash[:])
	p.entries, p.hashes = append(p.entries, *row), append(p.hashes, hash)
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
