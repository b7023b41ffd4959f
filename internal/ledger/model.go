package ledger

import (
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/money"
)

// AccountType says on which side an account grows, and where it stands in the trial balance.
type AccountType string

// The five account types. Assets and expenses grow by debits; liabilities, equity and income by credits.
const (
	Asset     AccountType = "asset"
	Liability AccountType = "liability"
	Equity    AccountType = "equity"
	Income    AccountType = "income"
	Expense   AccountType = "expense"
)

// DebitNormal reports whether accounts of type t grow by debits.
func (t AccountType) DebitNormal() bool { return t == Asset || t == Expense }

// Account is one account in one currency. A merchant's multi-currency account is one Owner with an Account per currency.
type Account struct {
	// ID names the account, at most 128 characters of [a-zA-Z0-9:._/-], such as "customer:acme:USD".
	ID string
	// Owner is whose account it is, at most 128 characters.
	Owner string
	// Participant is the settlement participant that holds the owner's money; empty for internal accounts.
	Participant string
	Type        AccountType
	Currency    money.Currency
	// Floor, where set, is the least that the available balance (normal side less other side, less outgoing reserves) may be:
	// zero for no overdraft, negative for a credit line. Nil: no floor.
	Floor *int64
	// Cap, where set, is the most that the posted balance plus incoming reserves may be. Nil: no cap.
	Cap *int64
}

// TransferKind is what a Transfer does.
type TransferKind string

// The kinds of Transfer. Post, Void and Expire end the reserve that Ref names, once.
const (
	// Immediate moves the amount at once.
	Immediate TransferKind = "immediate"
	// Reserve holds the amount until it is posted, voided, or expires.
	Reserve TransferKind = "reserve"
	// Post moves all or part of the reserve Ref; what is left of it is released.
	Post TransferKind = "post"
	// Void releases the reserve Ref.
	Void TransferKind = "void"
	// Expire releases the reserve Ref after its Expires; booked by the ledger, never by callers.
	Expire TransferKind = "expire"
	// Reverse moves all or part of the transfer Ref (Immediate or Post) back; all reversals of it together never exceed it.
	Reverse TransferKind = "reverse"
)

// Transfer is one booking line: Amount from Debit to Credit.
type Transfer struct {
	// ID makes the transfer idempotent: the same ID with the same content is booked once; with other content it is a conflict.
	ID uuid.UUID
	// Kind: for Post, Void and Reverse the accounts may be left empty (they follow from Ref; Reverse swaps them) and must match if given.
	Kind   TransferKind
	Debit  string
	Credit string
	// Amount is positive. For Post zero means all of the reserve; for Void it must be zero.
	Amount money.Amount
	// Ref is the reserve or transfer that this one ends or reverses.
	Ref uuid.UUID
	// Expires bounds a Reserve; at most MaxReserve after booking. Zero: MaxReserve.
	Expires time.Time
	// ValueDate is when the money counts (a day, UTC midnight); zero: the booking day. It may lie in the past.
	ValueDate time.Time
	// Code says what the line is for: "principal", "fee", "spread", "fx", "deposit", "obligation", … at most 32 characters.
	Code string
	// Reference is the payment, run or deposit that caused it; at most 64 characters; searchable.
	Reference string
	// Window is the settlement window that the transfer counts in; empty for none. At most 96 characters.
	Window string
}

// MaxReserve is the longest a Reserve may stand.
const MaxReserve = 30 * 24 * time.Hour

// Entry is a Transfer as booked.
type Entry struct {
	Transfer
	// Seq is its gapless place in the journal, from 1; the Merkle leaf's index is Seq-1.
	Seq uint64
	// Booked is our booking time: monotonic along Seq, microseconds.
	Booked time.Time
	// Released is what a Post, Void or Expire took out of pending, in minor units: all of the reserve that Ref names.
	Released int64
}

// Record is a document kept beside the books and changed in the same commit.
type Record struct {
	// Kind and Key name the record: "payment", "idempotency", "window", … Kind at most 32 characters, Key 160.
	Kind, Key string
	// Version is 1 when first written and one more with each change.
	Version int64
	// State, Group and Due are what records are found by: its state; what it belongs to (a window, a corridor); when
	// work on it is due (zero: none).
	State string
	Group string
	Due   time.Time
	// Body is the document, at most 1 MiB, kept as it is and never looked into.
	Body []byte
	// Created and Updated are booking times.
	Created, Updated time.Time
}

// Put writes a Record if it stands at version Expect (0: it must not exist yet). Where it already stands at Expect+1 with exactly this
// content, it is the same Put sent again and succeeds; so who claims work by a Put says in Body who claims it.
type Put struct {
	Kind, Key string
	Expect    int64
	State     string
	Group     string
	Due       time.Time
	Body      []byte
}

// Require makes a Commit fail with a RequirementError unless the record, as it stood before the Commit, is in one of the States. Where
// it did not exist, the Commit's own Put that creates it counts. A Commit sent again is not checked again.
type Require struct {
	Kind, Key string
	States    []string
}

// Commit is what takes effect together or not at all.
type Commit struct {
	Requires  []Require
	Accounts  []Account
	Transfers []Transfer
	Puts      []Put
}

// Receipt is what a Commit became. Entries are in the order of its Transfers; for a transfer that had been booked before with the
// same content, the entry of then.
type Receipt struct {
	Booked  time.Time
	Entries []Entry
}

// Balance is an account's standing at a point of the journal, in minor units on the account's normal side.
type Balance struct {
	Account   string
	Currency  money.Currency
	Posted    int64 // moved for good
	PendingIn int64 // reserved towards the account
	// PendingOut is reserved away from the account.
	PendingOut int64
	// Available is Posted less PendingOut.
	Available int64
	// Seq is the last journal entry counted.
	Seq uint64
}

// TrialLine is one account type's turnover in one currency; over all lines of a currency, debits equal credits.
type TrialLine struct {
	Type            AccountType
	Currency        money.Currency
	Debits, Credits money.Amount
	Accounts        int
}

// Position is what an account paid and received within a window.
type Position struct {
	Account  string
	Currency money.Currency
	Debits   int64
	Credits  int64
	Count    int64
}
