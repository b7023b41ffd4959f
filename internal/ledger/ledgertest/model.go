package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/money"
)

// model is the ledger in the fewest words: what the stores are compared with. It shares no code with them.
type model struct {
	accounts map[string]ledger.Account
	posted   map[string]int64 // debits less credits
	holds    map[uuid.UUID]ledger.Transfer
	ended    map[uuid.UUID]bool
	booked   map[uuid.UUID]ledger.Transfer
	left     map[uuid.UUID]int64 // what may still be reversed
	versions map[string]int64
	states   map[string]string
}

func (m *model) clone() *model {
	c := &model{accounts: m.accounts, posted: map[string]int64{}, holds: map[uuid.UUID]ledger.Transfer{}, ended: map[uuid.UUID]bool{},
		booked: map[uuid.UUID]ledger.Transfer{}, left: map[uuid.UUID]int64{}, versions: map[string]int64{}, states: map[string]string{}}
	copyMap(c.posted, m.posted)
	copyMap(c.holds, m.holds)
	copyMap(c.ended, m.ended)
	copyMap(c.booked, m.booked)
	copyMap(c.left, m.left)
	copyMap(c.versions, m.versions)
	copyMap(c.states, m.states)
	return c
}

func copyMap[K comparable, V any](to, from map[K]V) {
	for k, v := range from {
		to[k] = v
	}
}

// pending is what is reserved to be debited and credited.
func (m *model) pending(account string) (debits, credits int64) {
	for id, h := range m.holds {
		if m.ended[id] {
			continue
		}
		if h.Debit == account {
			debits += h.Amount.Minor()
		}
		if h.Credit == account {
			credits += h.Amount.Minor()
		}
	}
	return debits, credits
}

func (m *model) balance(account string) ledger.Balance {
	debits, credits := m.pending(account)
	b := ledger.Balance{Posted: -m.posted[account], PendingIn: credits, PendingOut: debits}
	if m.accounts[account].Type == ledger.Asset || m.accounts[account].Type == ledger.Expense {
		b = ledger.Balance{Posted: m.posted[account], PendingIn: debits, PendingOut: credits}
	}
	b.Available = b.Posted - b.PendingOut
	return b
}

// allowed says whether the limits of both accounts hold after the amount was moved or reserved.
func (m *model) allowed(t ledger.Transfer) bool {
	for _, id := range []string{t.Debit, t.Credit} {
		a, b, amount := m.accounts[id], m.balance(id), t.Amount.Minor()
		in := (id == t.Debit) == (a.Type == ledger.Asset || a.Type == ledger.Expense)
		if in && a.Cap != nil && b.Posted+b.PendingIn+amount > *a.Cap || !in && a.Floor != nil && b.Available-amount < *a.Floor {
			return false
		}
	}
	return true
}

func (m *model) move(t ledger.Transfer, amount int64) {
	m.posted[t.Debit] += amount
	m.posted[t.Credit] -= amount
	m.left[t.ID] = amount
}

// transfer books t and says whether it may be.
func (m *model) transfer(t ledger.Transfer) bool {
	if old, ok := m.booked[t.ID]; ok {
		return reflect.DeepEqual(old, t)
	}
	switch t.Kind {
	case ledger.Immediate, ledger.Reserve:
		a, b := m.accounts[t.Debit], m.accounts[t.Credit]
		if t.Debit == t.Credit || t.Amount.Minor() <= 0 || a.Currency != t.Amount.Currency() || b.Currency != t.Amount.Currency() || !m.allowed(t) {
			return false
		}
		if t.Kind == ledger.Immediate {
			m.move(t, t.Amount.Minor())
		} else {
			m.holds[t.ID] = t
		}
	case ledger.Post, ledger.Void:
		h, ok := m.holds[t.Ref]
		if !ok || m.ended[t.Ref] || t.Amount.Minor() > h.Amount.Minor() || t.Amount.Currency() != "" && t.Amount.Currency() != h.Amount.Currency() {
			return false
		}
		m.ended[t.Ref] = true
		if t.Kind == ledger.Post {
			amount := t.Amount.Minor()
			if amount == 0 {
				amount = h.Amount.Minor()
			}
			m.move(ledger.Transfer{ID: t.ID, Debit: h.Debit, Credit: h.Credit}, amount)
		}
	case ledger.Reverse:
		old, ok := m.booked[t.Ref]
		if !ok || old.Kind != ledger.Immediate && old.Kind != ledger.Post || t.Amount.Minor() <= 0 ||
			t.Amount.Minor() > m.left[t.Ref] || t.Amount.Currency() != currencyOf(m, t.Ref) {
			return false
		}
		if old.Kind == ledger.Post {
			old.Debit, old.Credit = m.holds[old.Ref].Debit, m.holds[old.Ref].Credit
		}
		back := ledger.Transfer{ID: t.ID, Debit: old.Credit, Credit: old.Debit, Amount: t.Amount}
		if !m.allowed(back) {
			return false
		}
		m.move(back, t.Amount.Minor())
		m.left[t.Ref] -= t.Amount.Minor()
	}
	m.booked[t.ID] = t
	return true
}

// apply books c, or returns the model as it was.
func (m *model) apply(c ledger.Commit) (*model, bool) {
	next := m.clone()
	again := true // a commit whose transfers are all booked is one sent again
	for _, t := range c.Transfers {
		_, booked := m.booked[t.ID]
		again = again && booked
	}
	for _, r := range c.Requires {
		if !again && next.states[r.Key] != r.States[0] {
			return m, false
		}
	}
	for _, t := range c.Transfers {
		if !next.transfer(t) {
			return m, false
		}
	}
	for _, p := range c.Puts {
		if again && next.versions[p.Key] > p.Expect+1 {
			continue
		}
		if next.versions[p.Key] != p.Expect {
			return m, false
		}
		next.versions[p.Key]++
		next.states[p.Key] = p.State
	}
	return next, true
}

// RunModel compares random histories with the model, on one set of books that restarts and changes writers on the way.
func RunModel(t *testing.T, fresh Fresh) {
	open := fresh(t)
	small := engine.Options{MaxCached: 8, TailTarget: 8, SweepEvery: -1}
	ledgers := []ledger.Ledger{open(t, engine.Options{SweepEvery: -1}), open(t, small)}
	var history atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		run := history.Add(1)
		m := (&model{}).clone()
		m.accounts = map[string]ledger.Account{}
		var ids []string
		for i, a := range []ledger.Account{
			{Type: ledger.Liability, Currency: "USD", Floor: Limit(0)},
			{Type: ledger.Liability, Currency: "USD", Floor: Limit(-50), Cap: Limit(200)},
			{Type: ledger.Asset, Currency: "USD"},
			{Type: ledger.Asset, Currency: "USD", Floor: Limit(-100), Cap: Limit(100)},
			{Type: ledger.Liability, Currency: "CNY", Floor: Limit(0)},
			{Type: ledger.Expense, Currency: "CNY"},
		} {
			a.ID = fmt.Sprintf("m%d:a%d", run, i)
			m.accounts[a.ID] = a
			ids = append(ids, a.ID)
			if _, err := ledgers[0].Apply(context.Background(), ledger.Commit{Accounts: []ledger.Account{a}}); err != nil {
				rt.Fatal(err)
			}
		}
		var used []uuid.UUID
		for range rapid.IntRange(1, 25).Draw(rt, "commits") {
			c := drawCommit(rt, run, ids, &used, m)
			next, want := m.apply(c)
			_, err := ledgers[rapid.IntRange(0, len(ledgers)-1).Draw(rt, "writer")].Apply(context.Background(), c)
			var away *ledger.UnavailableError
			if errors.As(err, &away) || (err == nil) != want {
				rt.Fatalf("commit %+v: got %v, the model allows it: %v", c, err, want)
			}
			m = next
		}
		for _, id := range ids {
			for _, l := range ledgers {
				got, err := l.Balance(context.Background(), id)
				want := m.balance(id)
				want.Account, want.Currency, want.Seq = id, m.accounts[id].Currency, got.Seq
				if err != nil || got != want {
					rt.Fatalf("balance %+v, %v, the model has %+v", got, err, want)
				}
			}
		}
	})
	for _, l := range ledgers {
		Verify(t, l)
	}
}

func drawCommit(rt *rapid.T, run int64, ids []string, used *[]uuid.UUID, m *model) ledger.Commit {
	var c ledger.Commit
	for range rapid.IntRange(1, 3).Draw(rt, "transfers") {
		c.Transfers = append(c.Transfers, drawTransfer(rt, ids, used, m))
	}
	if rapid.IntRange(0, 3).Draw(rt, "record") == 0 {
		key := fmt.Sprintf("m%d-r%d", run, rapid.IntRange(0, 2).Draw(rt, "key"))
		c.Puts = []ledger.Put{{Kind: "model", Key: key, Expect: rapid.Int64Range(0, 3).Draw(rt, "expect"),
			State: rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "state"), Body: fmt.Appendf(nil, `{"id": %q}`, uuid.NewString())}}
		if rapid.Bool().Draw(rt, "require") && m.versions[key] > 0 {
			c.Requires = []ledger.Require{{Kind: "model", Key: key, States: []string{rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "required")}}}
		}
	}
	return c
}

func drawTransfer(rt *rapid.T, ids []string, used *[]uuid.UUID, m *model) ledger.Transfer {
	if len(*used) > 0 && rapid.IntRange(0, 19).Draw(rt, "again") == 0 {
		if old, ok := m.booked[rapid.SampledFrom(*used).Draw(rt, "which")]; ok {
			return old
		}
	}
	t := ledger.Transfer{ID: uuid.New(), ValueDate: time.Date(2026, 10, 12, 0, 0, 0, 0, time.UTC)}
	t.Kind = rapid.SampledFrom([]ledger.TransferKind{ledger.Immediate, ledger.Immediate, ledger.Reserve, ledger.Reserve, ledger.Post, ledger.Void, ledger.Reverse}).Draw(rt, "kind")
	amount := rapid.Int64Range(1, 120).Draw(rt, "amount")
	if t.Kind == ledger.Immediate || t.Kind == ledger.Reserve || len(*used) == 0 {
		if t.Kind != ledger.Reserve {
			t.Kind = ledger.Immediate
		}
		t.Debit, t.Credit = rapid.SampledFrom(ids).Draw(rt, "debit"), rapid.SampledFrom(ids).Draw(rt, "credit")
		t.Amount = money.FromMinor(amount, m.accounts[t.Debit].Currency)
	} else {
		t.Ref = rapid.SampledFrom(*used).Draw(rt, "ref")
		switch {
		case t.Kind == ledger.Reverse:
			t.Amount = money.FromMinor(amount, currencyOf(m, t.Ref))
		case t.Kind == ledger.Post && amount%2 == 0:
			t.Amount = money.FromMinor(amount, currencyOf(m, t.Ref))
		}
	}
	*used = append(*used, t.ID)
	return t
}

// currencyOf is the currency of a transfer, any where it was not booked.
func currencyOf(m *model, id uuid.UUID) money.Currency {
	for m.booked[id].Ref != uuid.Nil {
		id = m.booked[id].Ref
	}
	if c := m.booked[id].Amount.Currency(); c != "" {
		return c
	}
	return "USD"
}
