package engine

import (
	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
)

// account is an account as this process knows it, exact at the state's head.
type account struct {
	ledger.Account
	no   uint64
	sums Sums
	// dirtySince is the first entry that the account's balance row may not count; 0: the row counts all.
	dirtySince uint64
	used       uint64 // the batch that used it last, for eviction
}

// transfer is a booked transfer that later ones may refer to.
type transfer struct {
	row      Row
	ended    bool
	reversed int64
}

// record is what planning needs of a record.
type record struct {
	version int64
	state   string
	created int64
	digest  [32]byte
	batch   uint64 // that wrote it, where this process did
}

type windowKey struct {
	window string
	no     uint64
}

// state is the books as far as this process needs them in memory. It is changed by one goroutine. Changes since begin can be
// undone, to a mark (one commit) or all (the batch).
type state struct {
	head      Head
	valid     bool // the caches are exact at head
	accounts  map[string]*account
	byNo      map[uint64]*account
	transfers map[uuid.UUID]*transfer
	records   map[RecordName]record
	// dirty holds the accounts that are not clean, in the order of their first unwritten entry.
	dirty []*account
	// windows are what the window positions do not count yet.
	windows map[windowKey]*WindowRow
	// order of arrival of what may be forgotten at any time
	oldTransfers ring[uuid.UUID]
	oldRecords   ring[RecordName]
	// taken is what was read for the batch being planned: not to be forgotten before it is.
	takenTransfers []uuid.UUID
	takenRecords   []RecordName
	undo           []undo
	spare          []undo // room for the next undo
	limit          int
	// usual is how many entries the last batch had; leaf is where leaves are made.
	usual int
	leaf  []byte
}

func newState(limit int) *state {
	s := &state{limit: limit}
	s.clear()
	return s
}

// clear forgets everything: the next batch begins with reading the head.
func (s *state) clear() {
	s.valid = false
	s.accounts = map[string]*account{}
	s.byNo = map[uint64]*account{}
	s.dirty = nil
	s.windows = map[windowKey]*WindowRow{}
	s.undo = s.undo[:0]
	s.forgetOthers()
}

// forgetOthers forgets what the journal's tail does not bring up to date.
func (s *state) forgetOthers() {
	s.transfers = map[uuid.UUID]*transfer{}
	s.records = map[RecordName]record{}
	s.takenTransfers, s.takenRecords = nil, nil
	s.oldTransfers = ring[uuid.UUID]{limit: s.limit}
	s.oldRecords = ring[RecordName]{limit: s.limit}
}

type undoKind uint8

const (
	undoAccount undoKind = iota // restore sums and dirtySince
	undoNewAccount
	undoTransfer // restore ended and reversed
	undoNewTransfer
	undoRecord // restore old, or delete where there was none
)

type undo struct {
	kind     undoKind
	account  *account
	sums     Sums
	dirty    uint64
	transfer *transfer
	ended    bool
	reversed int64
	name     RecordName
	old      record
}

func (s *state) mark() int { return len(s.undo) }

func (s *state) rollback(mark int) {
	for i := len(s.undo) - 1; i >= mark; i-- {
		switch u := &s.undo[i]; u.kind {
		case undoAccount:
			if u.dirty == 0 {
				// The last one in the queue, as changes are undone in reverse. Left there it could stand before older ones later.
				s.dirty = s.dirty[:len(s.dirty)-1]
			}
			u.account.sums, u.account.dirtySince = u.sums, u.dirty
		case undoNewAccount:
			delete(s.accounts, u.account.ID)
			delete(s.byNo, u.account.no)
		case undoTransfer:
			u.transfer.ended, u.transfer.reversed = u.ended, u.reversed
		case undoNewTransfer:
			delete(s.transfers, u.transfer.row.ID)
		case undoRecord:
			if u.old.version == 0 {
				delete(s.records, u.name)
			} else {
				s.records[u.name] = u.old
			}
		}
	}
	clear(s.undo[mark:])
	s.undo = s.undo[:mark]
}

// touch saves a before a booking changes it and marks it as unwritten from entry seq on.
func (s *state) touch(a *account, seq uint64) {
	s.undo = append(s.undo, undo{kind: undoAccount, account: a, sums: a.sums, dirty: a.dirtySince})
	s.markDirty(a, seq)
}

func (s *state) markDirty(a *account, seq uint64) {
	if a.dirtySince == 0 {
		a.dirtySince = seq
		s.dirty = append(s.dirty, a)
	}
}

func (s *state) addAccount(row AccountRow) *account {
	a := &account{Account: row.Account, no: row.No}
	s.accounts[a.ID], s.byNo[a.no] = a, a
	s.undo = append(s.undo, undo{kind: undoNewAccount, account: a})
	return a
}

func (s *state) addTransfer(t *transfer) {
	s.transfers[t.row.ID] = t
	s.undo = append(s.undo, undo{kind: undoNewTransfer, transfer: t})
}

func (s *state) changeTransfer(t *transfer) {
	s.undo = append(s.undo, undo{kind: undoTransfer, transfer: t, ended: t.ended, reversed: t.reversed})
}

func (s *state) putRecord(name RecordName, r record) {
	s.undo = append(s.undo, undo{kind: undoRecord, name: name, old: s.records[name]})
	s.records[name] = r
}

// planned ends a batch: what was read for it may be forgotten from now on.
func (s *state) planned() {
	for _, id := range s.takenTransfers {
		s.remember(id)
	}
	for _, n := range s.takenRecords {
		s.rememberRecord(n)
	}
	s.takenTransfers, s.takenRecords = s.takenTransfers[:0], s.takenRecords[:0]
	s.evict()
}

// keep remembers a booked transfer that another is about to end, and forgets one that has been ended. The others are hardly ever
// referred to again, and would be most of what there is in memory.
func (s *state) keep(r *Row) {
	if r.Kind == ledger.Reserve {
		s.remember(r.ID)
		return
	}
	delete(s.transfers, r.ID)
	if r.Kind != ledger.Reverse {
		delete(s.transfers, r.Ref)
	}
}

func (s *state) remember(id uuid.UUID) {
	if old, ok := s.oldTransfers.push(id); ok {
		delete(s.transfers, old)
	}
}

func (s *state) rememberRecord(n RecordName) {
	if old, ok := s.oldRecords.push(n); ok && old != n {
		delete(s.records, old)
	}
}

// evict forgets accounts that are written and were not used lately, once there are too many.
func (s *state) evict() {
	if len(s.accounts) <= s.limit {
		return
	}
	for age := uint64(64); age > 0 && len(s.accounts) > s.limit/2; age /= 4 {
		for id, a := range s.accounts {
			if a.dirtySince == 0 && a.used+age <= s.head.Batch {
				delete(s.accounts, id)
				delete(s.byNo, a.no)
			}
		}
	}
}

// addWindow counts an entry in its window's positions; sign -1 takes it out again.
func (s *state) addWindow(r *Row, sign int64) {
	if r.Window == "" || !Counts(r.Kind) {
		return
	}
	amount := sign * r.Amount.Minor()
	for _, side := range [2]struct {
		no            uint64
		debit, credit int64
	}{{r.DebitNo, amount, 0}, {r.CreditNo, 0, amount}} {
		k := windowKey{r.Window, side.no}
		w := s.windows[k]
		if w == nil {
			w = &WindowRow{Window: r.Window, No: side.no}
			s.windows[k] = w
		}
		w.Debits += side.debit
		w.Credits += side.credit
		if w.Count += sign; w.Count == 0 {
			delete(s.windows, k)
		}
	}
}

// Counts reports whether a transfer of kind k moves money for good.
func Counts(k ledger.TransferKind) bool {
	return k == ledger.Immediate || k == ledger.Post || k == ledger.Reverse
}

// Apply counts an entry in the sums of its two accounts.
func Apply(e *ledger.Entry, debit, credit *Sums) {
	ApplySums(e.Kind, e.Amount.Minor(), e.Released, debit, credit)
}

// ApplySums counts a transfer of kind k that moves amount and releases what it ends.
func ApplySums(k ledger.TransferKind, amount, released int64, debit, credit *Sums) {
	switch k {
	case ledger.Reserve:
		debit.PendingDebits += amount
		credit.PendingCredits += amount
		return
	case ledger.Post, ledger.Void, ledger.Expire:
		debit.PendingDebits -= released
		credit.PendingCredits -= released
	}
	debit.Debits += amount
	credit.Credits += amount
}
