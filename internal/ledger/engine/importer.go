package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qiantang.dev/rails/internal/ledger"
)

// Importer writes books that exist elsewhere into an empty store, as they are: numbers, booking times and IDs are kept, so that the
// Merkle logs come out the same. Balances are added up anew.
type Importer struct {
	store Store
	state *state
}

// NewImporter begins an import. It fails where the store is not empty.
func NewImporter(ctx context.Context, store Store) (*Importer, error) {
	im := &Importer{store: store, state: newState(1 << 30)}
	tx, err := store.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	if head := tx.Head(); head.Batch != 0 {
		return nil, fmt.Errorf("the ledger is not empty: it holds %d entries and %d accounts", head.Seq, head.Accounts)
	}
	return im, im.state.catchUp(ctx, tx)
}

// Accounts adds accounts, in the order of their numbers.
func (im *Importer) Accounts(ctx context.Context, accounts []ledger.Account) error {
	p := im.plan()
	for part := range slices.Chunk(accounts, ledger.MaxAccounts) {
		if err := (&ledger.Commit{Accounts: part}).Validate(); err != nil {
			return err
		}
	}
	for i := range accounts {
		if err := p.account(&accounts[i]); err != nil {
			return err
		}
	}
	return im.write(ctx, p)
}

// Entries adds entries, which must follow the last one.
func (im *Importer) Entries(ctx context.Context, entries []ledger.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	p := im.plan()
	for i := range entries {
		e := &entries[i]
		debit, credit := p.accounts[e.Debit], p.accounts[e.Credit]
		switch {
		case e.Seq != p.seq()+1:
			return &ledger.InvalidError{Field: "seq", Value: fmt.Sprint(e.Seq), Why: fmt.Sprintf("follows entry %d", p.seq())}
		case debit == nil:
			return &ledger.NotFoundError{What: "account", ID: e.Debit}
		case credit == nil:
			return &ledger.NotFoundError{What: "account", ID: e.Credit}
		}
		row := Row{Entry: *e, DebitNo: debit.no, CreditNo: credit.no}
		p.touch(debit, row.Seq)
		p.touch(credit, row.Seq)
		ApplySums(e.Kind, e.Amount.Minor(), e.Released, &debit.sums, &credit.sums)
		p.enter(&row)
	}
	p.booked = entries[len(entries)-1].Booked
	return im.write(ctx, p)
}

// Records adds records at the versions they stand at.
func (im *Importer) Records(ctx context.Context, records []ledger.Record) error {
	p := im.plan()
	for i := range records {
		p.records = append(p.records, RecordRow{Record: records[i], Digest: Digest(&records[i])})
	}
	return im.write(ctx, p)
}

// plan is for a batch at the booking time of the last one.
func (im *Importer) plan() *plan {
	return &plan{state: im.state, booked: time.UnixMicro(im.state.head.Booked).UTC()}
}

func (im *Importer) write(ctx context.Context, p *plan) error {
	if p.empty() {
		return nil
	}
	b, err := p.batch(p.importTail())
	if err != nil {
		return err
	}
	if err := im.store.Write(ctx, b); err != nil {
		return err
	}
	im.state.confirm(b, im.state.advance(b))
	return nil
}

// importTail keeps the balance rows as close behind as when booking.
func (p *plan) importTail() int { return Options{}.withDefaults().TailTarget }

// Head is where the import stands.
func (im *Importer) Head() Head { return im.state.head }
