package engine

import (
	"slices"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
)

// ready says whether c can be planned from memory: whether needs, asked without care, would name nothing. It is asked of every commit, and
// makes no lists.
func (s *state) ready(c *ledger.Commit) bool {
	account := func(id string) bool { return id == "" || s.accounts[id] != nil }
	for i := range c.Accounts {
		if !account(c.Accounts[i].ID) {
			return false
		}
	}
	for i := range c.Transfers {
		t := &c.Transfers[i]
		if !account(t.Debit) || !account(t.Credit) {
			return false
		}
		if t.Ref == uuid.Nil || slices.ContainsFunc(c.Transfers[:i], func(b ledger.Transfer) bool { return b.ID == t.Ref }) {
			continue
		}
		ref := s.transfers[t.Ref]
		if ref == nil || !account(ref.row.Debit) || !account(ref.row.Credit) {
			return false
		}
	}
	for i := range c.Puts {
		p := &c.Puts[i]
		if p.Expect > 0 && !s.knows(p.Kind, p.Key) &&
			!slices.ContainsFunc(c.Puts[:i], func(b ledger.Put) bool { return b.Expect == 0 && b.Kind == p.Kind && b.Key == p.Key }) {
			return false
		}
	}
	for i := range c.Requires {
		if !s.knows(c.Requires[i].Kind, c.Requires[i].Key) {
			return false
		}
	}
	return true
}

func (s *state) knows(kind, key string) bool {
	_, ok := s.records[RecordName{kind, key}]
	return ok
}
