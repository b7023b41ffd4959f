package engine

import (
	"github.com/google/uuid"
)

// needs is what must be read before a group can be planned. careful asks for everything that is not cached; otherwise IDs and records
// that ought to be new are taken for new, and the store's unique keys are relied upon to object. A commit that failed so is not told before
// its own were looked up: it may have been booked before.
func (s *state) needs(group []*request, careful bool) Need {
	var n Need
	accounts, transfers, records := map[string]bool{}, map[uuid.UUID]bool{}, map[RecordName]bool{}
	created, putNew := map[uuid.UUID]bool{}, map[RecordName]bool{}
	account := func(id string) {
		if id != "" && s.accounts[id] == nil && !accounts[id] {
			accounts[id] = true
			n.Accounts = append(n.Accounts, id)
		}
	}
	transfer := func(id uuid.UUID) {
		if t := s.transfers[id]; t != nil {
			account(t.row.Debit)
			account(t.row.Credit)
		} else if !transfers[id] {
			transfers[id] = true
			n.Transfers = append(n.Transfers, id)
		}
	}
	rec := func(kind, key string) {
		name := RecordName{kind, key}
		if _, ok := s.records[name]; !ok && !records[name] {
			records[name] = true
			n.Records = append(n.Records, name)
		}
	}
	for _, r := range group {
		c, careful := r.commit, careful || r.doubted
		for i := range c.Accounts {
			account(c.Accounts[i].ID)
		}
		for i := range c.Transfers {
			t := &c.Transfers[i]
			account(t.Debit)
			account(t.Credit)
			if t.Ref != uuid.Nil && (careful || !created[t.Ref]) {
				transfer(t.Ref)
			}
			if careful {
				transfer(t.ID)
			}
			created[t.ID] = true
		}
		for i := range c.Puts {
			p := &c.Puts[i]
			name := RecordName{p.Kind, p.Key}
			if careful || p.Expect > 0 && !putNew[name] {
				rec(p.Kind, p.Key)
			}
			if p.Expect == 0 {
				putNew[name] = true
			}
		}
		for i := range c.Requires {
			rec(c.Requires[i].Kind, c.Requires[i].Key)
		}
	}
	return n
}
