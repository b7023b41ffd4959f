package engine

import (
	"context"
	"fmt"

	"qiantang.dev/rails/internal/ledger"
)

// rebuildAfter is how many entries by others are read rather than starting anew from the balance rows.
const rebuildAfter = 100_000

// catchUp makes the state exact at the transaction's head.
func (s *state) catchUp(ctx context.Context, tx Tx) error {
	head := tx.Head()
	if s.valid && s.head.Batch == head.Batch && s.head.BatchID == head.BatchID {
		return nil
	}
	if !s.valid || head.Seq < s.head.Seq || head.Batch <= s.head.Batch || head.Seq-s.head.Seq > rebuildAfter {
		s.clear()
	} else {
		s.forgetOthers()
	}
	from := min(head.Flushed, head.Windows)
	if s.valid {
		from = s.head.Seq
	}
	if head.Windows != s.head.Windows || !s.valid {
		clear(s.windows)
		from = min(from, head.Windows)
	}
	tail, err := tx.Tail(ctx, from)
	if err != nil {
		return err
	}
	if n := uint64(len(tail)); n != head.Seq-min(from, head.Seq) {
		return &RefusedError{fmt.Errorf("journal after entry %d holds %d entries, the head says %d", from, n, head.Seq-from)}
	}
	if err := s.applyTail(ctx, tx, head, tail); err != nil {
		s.clear()
		return err
	}
	s.head, s.valid = head, true
	s.undo = s.undo[:0]
	return nil
}

func (s *state) applyTail(ctx context.Context, tx Tx, head Head, tail []Row) error {
	known := s.head.Seq // what cached accounts already count
	if !s.valid {
		known = head.Flushed
	}
	var missing []uint64
	asked := map[uint64]bool{}
	for i := range tail {
		if tail[i].Seq <= known {
			continue
		}
		for _, no := range [2]uint64{tail[i].DebitNo, tail[i].CreditNo} {
			if s.byNo[no] == nil && !asked[no] {
				asked[no] = true
				missing = append(missing, no)
			}
		}
	}
	counted := make(map[uint64]uint64, len(missing)) // account → entry that its row counts up to
	if len(missing) > 0 {
		loaded, err := tx.AccountsByNo(ctx, missing)
		if err != nil {
			return err
		}
		for i := range loaded {
			counted[loaded[i].No] = loaded[i].Balance.Seq
			s.load(&loaded[i])
		}
	}
	var waste Sums
	for i := range tail {
		r := &tail[i]
		if r.Seq > head.Windows && (r.Seq > s.head.Seq || !s.valid || head.Windows != s.head.Windows) {
			s.addWindow(r, 1)
		}
		if r.Seq <= known {
			continue
		}
		sides := [2]*Sums{&waste, &waste}
		for k, no := range [2]uint64{r.DebitNo, r.CreditNo} {
			a := s.byNo[no]
			if a == nil {
				return &RefusedError{fmt.Errorf("entry %d names account number %d, which does not exist", r.Seq, no)}
			}
			if row, isNew := counted[no]; !isNew || r.Seq > row {
				s.markDirty(a, r.Seq)
				sides[k] = &a.sums
			}
		}
		Apply(&r.Entry, sides[0], sides[1])
	}
	return nil
}

// load takes an account into the caches as its row stands.
func (s *state) load(l *LoadedAccount) *account {
	a := &account{Account: l.Account, no: l.No, sums: l.Balance.Sums, used: s.head.Batch}
	s.accounts[a.ID], s.byNo[a.no] = a, a
	return a
}

// take puts what was loaded into the caches; what is there already is newer or the same.
func (s *state) take(l Loaded) {
	for i := range l.Accounts {
		if s.byNo[l.Accounts[i].No] == nil {
			s.load(&l.Accounts[i])
		}
	}
	for i := range l.Transfers {
		t := &l.Transfers[i]
		if s.transfers[t.ID] == nil {
			s.transfers[t.ID] = &transfer{row: t.Row, ended: t.Ended, reversed: t.Reversed}
			s.takenTransfers = append(s.takenTransfers, t.ID)
		}
	}
	for i := range l.Records {
		r := &l.Records[i]
		name := RecordName{r.Kind, r.Key}
		if _, ok := s.records[name]; !ok {
			s.records[name] = record{version: r.Version, state: r.State, created: ledger.Micros(r.Created), digest: Digest(r)}
			s.takenRecords = append(s.takenRecords, name)
		}
	}
}
