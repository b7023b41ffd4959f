package engine

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/ledger"
)

func TestReadyIsThatNothingIsNeeded(t *testing.T) {
	ids := []uuid.UUID{{}, {1}, {2}, {3}, {4}}
	names := []string{"", "a", "b", "c"}
	keys := []string{"k", "l", "m"}
	rapid.Check(t, func(t *rapid.T) {
		pick := func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(t, what) }
		s := newState(16)
		for _, name := range names[1:] {
			if rapid.Bool().Draw(t, "account known") {
				s.accounts[name] = &account{}
			}
		}
		for _, id := range ids[1:] {
			if rapid.Bool().Draw(t, "transfer known") {
				s.transfers[id] = &transfer{row: Row{Entry: ledger.Entry{Transfer: ledger.Transfer{Debit: names[pick("debit", 4)], Credit: names[pick("credit", 4)]}}}}
			}
		}
		for _, key := range keys {
			if rapid.Bool().Draw(t, "record known") {
				s.records[RecordName{"x", key}] = record{version: 1}
			}
		}
		var c ledger.Commit
		for range pick("accounts", 2) {
			c.Accounts = append(c.Accounts, ledger.Account{ID: names[1+pick("new account", 3)]})
		}
		for range pick("transfers", 4) {
			c.Transfers = append(c.Transfers, ledger.Transfer{ID: ids[1+pick("id", 4)], Ref: ids[pick("ref", 5)], Debit: names[pick("debit", 4)], Credit: names[pick("credit", 4)]})
		}
		for range pick("puts", 4) {
			c.Puts = append(c.Puts, ledger.Put{Kind: "x", Key: keys[pick("key", 3)], Expect: int64(pick("expect", 2))})
		}
		for range pick("requires", 2) {
			c.Requires = append(c.Requires, ledger.Require{Kind: "x", Key: keys[pick("required", 3)]})
		}
		need := s.needs([]*request{{commit: &c}}, false)
		if got, want := s.ready(&c), need.empty(); got != want {
			t.Fatalf("ready %t, needs %+v, of %+v", got, need, c)
		}
	})
}
