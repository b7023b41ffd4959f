package judge

import (
	"sync"
	"time"

	"qiantang.dev/rails/internal/money"
)

// Kind is what was instructed.
type Kind string

// The kinds. Exchanges convert between our own balances; only payouts pay somebody.
const (
	Payout   Kind = "payout"
	Exchange Kind = "exchange"
)

// State is what became of an instruction so far.
type State string

// The states.
const (
	Processing State = "processing"
	Succeeded  State = "succeeded"
	Failed     State = "failed"
)

// Key says which instruction.
type Key struct {
	Provider string
	Kind     Kind
	ID       string
}

// Record is one instruction as the provider holds it.
type Record struct {
	Key
	// Ref is the provider's own name for it.
	Ref string
	// Reference is the business payment's, the same for every attempt at it: its UETR.
	Reference string
	// Sell is what we gave for Buy, which the beneficiary gets.
	Sell, Buy money.Amount
	Account   string
	// Fate is what it becomes at Confirm; until then it is processing.
	Fate    State
	Confirm time.Time
	Reason  string
	Taken   time.Time
	// Digest of the request, by which a repetition is told from a conflict.
	Digest [32]byte
	// Repeated and Conflicts count requests with the same ID and the same, or another, body. Lost says that the answer was withheld.
	Repeated, Conflicts int
	Lost                bool
}

// At is the record's state at a time.
func (r *Record) At(now time.Time) State {
	if now.Before(r.Confirm) {
		return Processing
	}
	return r.Fate
}

// Book is the judge's. It is safe for concurrent use.
type Book struct {
	mu      sync.RWMutex
	records map[Key]*Record
	order   []*Record
	quotes  map[string]Key
}

// New makes an empty Book.
func New() *Book { return &Book{records: map[Key]*Record{}, quotes: map[string]Key{}} }

// Verdict says how a request relates to what is in the book.
type Verdict int

// The verdicts.
const (
	Fresh Verdict = iota
	Repetition
	Conflict
)

// Known finds an earlier request with the same key and counts this one with it.
func (b *Book) Known(k Key, digest [32]byte) (Record, Verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known(k, digest)
}

func (b *Book) known(k Key, digest [32]byte) (Record, Verdict) {
	r, ok := b.records[k]
	switch {
	case !ok:
		return Record{}, Fresh
	case r.Digest == digest:
		r.Repeated++
		return *r, Repetition
	default:
		r.Conflicts++
		return *r, Conflict
	}
}

// Take enters a record, unless its key is there already: then that one is returned. quote, where not empty, is used up by it; used is
// true, and nothing is entered, where another has used it.
func (b *Book) Take(r Record, quote string) (kept Record, v Verdict, used bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old, v := b.known(r.Key, r.Digest); v != Fresh {
		return old, v, false
	}
	if quote != "" {
		if by, ok := b.quotes[quote]; ok && by != r.Key {
			return Record{}, Fresh, true
		}
		b.quotes[quote] = r.Key
	}
	held := r // r itself goes back to the caller, who reads it without the lock
	b.records[r.Key] = &held
	b.order = append(b.order, &held)
	return r, Fresh, false
}

// Find is a record by its key.
func (b *Book) Find(k Key) (Record, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	r, ok := b.records[k]
	if !ok {
		return Record{}, false
	}
	return *r, true
}

// All is every record of the kinds asked for, in the order taken.
func (b *Book) All(provider string, kind Kind) []Record {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := make([]Record, 0, len(b.order))
	for _, r := range b.order {
		if (provider == "" || r.Provider == provider) && (kind == "" || r.Kind == kind) {
			out = append(out, *r)
		}
	}
	return out
}

// Reset forgets everything.
func (b *Book) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records, b.order, b.quotes = map[Key]*Record{}, nil, map[string]Key{}
}
