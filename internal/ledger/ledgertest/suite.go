package ledgertest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/money"
)

// Opener opens one set of books for a test. Opening again with the same Opener opens the same books: a restart, or a second process.
type Opener func(t *testing.T, opt engine.Options) ledger.Ledger

// Fresh makes an Opener of empty books for a test.
type Fresh func(t *testing.T) Opener

// Run runs the suite.
func Run(t *testing.T, fresh Fresh) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *books)
	}{
		{"accounts", testAccounts},
		{"an immediate transfer moves money once", testImmediate},
		{"an ID used again with other content is a conflict", testConflict},
		{"two-phase transfers", testTwoPhase},
		{"reserves expire by themselves", testExpiry},
		{"reversals never exceed the transfer", testReverse},
		{"floors and caps hold", testLimits},
		{"linked transfers succeed or fail together", testLinked},
		{"bad input is refused with field and value", testBadInput},
		{"overflow is refused", testOverflow},
		{"records are compared and swapped", testRecords},
		{"record queries", testRecordQueries},
		{"requirements hold in the same commit", testRequire},
		{"a commit sent again succeeds again", testReplay},
		{"windows sum what was posted in them", testWindows},
		{"balances as of a time", testBalanceAt},
		{"entries by account and reference", testEntries},
		{"entries by a reference that some IDs begin with", testReferences},
		{"the trial balance balances", testTrialBalance},
		{"booking time is monotonic when the clock is set back", testClockBack},
		{"a restart forgets nothing", testRestart},
		{"two writers agree", testTwoWriters},
		{"one bad booking in a group fails alone", testOneBad},
		{"a closed ledger is unavailable", testClosed},
		{"small caches change nothing", testSmallCaches},
		{"proofs of entries", testProofs},
	} {
		t.Run(c.name, func(t *testing.T) {
			open := fresh(t)
			c.test(t, newBooks(t, open))
			if !t.Failed() {
				Verify(t, open(t, engine.Options{SweepEvery: -1}))
			}
		})
	}
}

// books are a test's ledger, with a clock that the test moves.
type books struct {
	t    *testing.T
	open Opener
	l    ledger.Ledger
	mu   sync.Mutex
	now  time.Time
}

var start = time.Date(2026, 10, 12, 8, 0, 0, 0, time.UTC)

func newBooks(t *testing.T, open Opener) *books {
	b := &books{t: t, open: open, now: start}
	b.l = open(t, b.options())
	return b
}

func (b *books) options() engine.Options {
	return engine.Options{Clock: b.clock, SweepEvery: 2 * time.Millisecond}
}

func (b *books) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *books) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *books) apply(c ledger.Commit) ledger.Receipt {
	b.t.Helper()
	r, err := b.l.Apply(context.Background(), c)
	if err != nil {
		b.t.Fatalf("apply: %v", err)
	}
	return r
}

func (b *books) transfer(ts ...ledger.Transfer) []ledger.Entry {
	b.t.Helper()
	return b.apply(ledger.Commit{Transfers: ts}).Entries
}

// fails applies c, wants an error of type T that contains text, and returns it.
func fails[T error](b *books, c ledger.Commit, text string) T {
	b.t.Helper()
	_, err := b.l.Apply(context.Background(), c)
	var want T
	if !errors.As(err, &want) {
		b.t.Fatalf("got error %v (%T), want a %T", err, err, want)
	}
	if !strings.Contains(err.Error(), text) {
		b.t.Fatalf("error %q does not contain %q", err, text)
	}
	return want
}

// balance checks posted, pending in, pending out and available.
func (b *books) balance(account string, posted, in, out, available int64) {
	b.t.Helper()
	got, err := b.l.Balance(context.Background(), account)
	if err != nil {
		b.t.Fatal(err)
	}
	want := ledger.Balance{Account: account, Currency: got.Currency, Posted: posted, PendingIn: in, PendingOut: out, Available: available, Seq: got.Seq}
	if got != want {
		b.t.Fatalf("balance of %s is %+v, want %+v", account, got, want)
	}
}

// eventually polls until ok, for as long as a test may take.
func (b *books) eventually(what string, ok func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.t.Fatalf("never happened: %s", what)
		}
	}
}

// Limit makes a floor or cap.
func Limit(v int64) *int64 { return &v }

// USD is an amount of US dollars in cents.
func USD(minor int64) money.Amount { return money.FromMinor(minor, "USD") }

// Move is an immediate transfer with a new ID.
func Move(debit, credit string, amount money.Amount) ledger.Transfer {
	return ledger.Transfer{ID: uuid.New(), Kind: ledger.Immediate, Debit: debit, Credit: credit, Amount: amount, Code: "test"}
}

// Hold is a reserve with a new ID.
func Hold(debit, credit string, amount money.Amount) ledger.Transfer {
	t := Move(debit, credit, amount)
	t.Kind = ledger.Reserve
	return t
}

// End is a post, void or reverse of ref with a new ID.
func End(kind ledger.TransferKind, ref uuid.UUID, amount money.Amount) ledger.Transfer {
	return ledger.Transfer{ID: uuid.New(), Kind: kind, Ref: ref, Amount: amount, Code: "test"}
}

// Accounts of the fixtures: customers may not be overdrawn.
const (
	Alice    = "customer:alice:USD"
	Bob      = "customer:bob:USD"
	AliceCNY = "customer:alice:CNY"
	Funding  = "funding:bank:USD"
	Clearing = "clearing:us-cn:USD"
	FX       = "fx:pingpong:USD"
	FXCNY    = "fx:pingpong:CNY"
	Fees     = "fees:us-cn:USD"
	Spread   = "spread:pingpong:CNY"
)

// Fixtures are the accounts above.
func Fixtures() []ledger.Account {
	return []ledger.Account{
		{ID: Alice, Owner: "alice", Participant: "qiantang-pay", Type: ledger.Liability, Currency: "USD", Floor: Limit(0)},
		{ID: Bob, Owner: "bob", Participant: "bank", Type: ledger.Liability, Currency: "USD", Floor: Limit(-5000), Cap: Limit(100000)},
		{ID: AliceCNY, Owner: "alice", Participant: "qiantang-pay", Type: ledger.Liability, Currency: "CNY", Floor: Limit(0)},
		{ID: Funding, Type: ledger.Asset, Currency: "USD"},
		{ID: Clearing, Type: ledger.Liability, Currency: "USD"},
		{ID: FX, Type: ledger.Asset, Currency: "USD"},
		{ID: FXCNY, Type: ledger.Asset, Currency: "CNY"},
		{ID: Fees, Type: ledger.Income, Currency: "USD"},
		{ID: Spread, Type: ledger.Expense, Currency: "CNY"},
	}
}

// funded makes the fixtures and gives Alice the amount.
func (b *books) funded(minor int64) {
	b.t.Helper()
	b.apply(ledger.Commit{Accounts: Fixtures(), Transfers: []ledger.Transfer{Move(Funding, Alice, USD(minor))}})
}
