package router

import (
	"context"
	"sync"

	"qiantang.dev/rails/internal/ledger"
)

// accountBook remembers accounts that are known to exist. What is remembered of an account never changes in the ledger.
type accountBook struct {
	mu    sync.RWMutex
	known map[string]ledger.Account
}

// maxAccounts bounds the book; beyond it, it starts anew.
const maxAccounts = 100_000

func newAccountBook() *accountBook { return &accountBook{known: map[string]ledger.Account{}} }

func (b *accountBook) get(id string) (ledger.Account, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	a, ok := b.known[id]
	return a, ok
}

func (b *accountBook) add(accounts ...ledger.Account) {
	if len(accounts) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known)+len(accounts) > maxAccounts {
		b.known = map[string]ledger.Account{}
	}
	for _, a := range accounts {
		b.known[a.ID] = a
	}
}

// unknown are those of accounts, each once, that a commit still has to name.
func (b *accountBook) unknown(accounts []ledger.Account) []ledger.Account {
	var missing []ledger.Account
	b.mu.RLock()
	defer b.mu.RUnlock()
next:
	for _, a := range accounts {
		if _, ok := b.known[a.ID]; ok {
			continue
		}
		for _, m := range missing {
			if m.ID == a.ID {
				continue next
			}
		}
		missing = append(missing, a)
	}
	return missing
}

// account is a customer's account, from memory or the ledger.
func (r *Router) account(ctx context.Context, id string) (ledger.Account, error) {
	if a, ok := r.accounts.get(id); ok {
		return a, nil
	}
	a, err := r.ledger.Account(ctx, id)
	if err == nil {
		r.accounts.add(a)
	}
	return a, err
}

// apply books a commit whose internal accounts may have to be opened by it.
func (r *Router) apply(ctx context.Context, e entries, c ledger.Commit) error {
	c.Accounts = append(c.Accounts, r.accounts.unknown(e.accounts)...)
	c.Transfers = append(c.Transfers, e.transfers...)
	c.Puts = append(c.Puts, e.puts...)
	if _, err := r.ledger.Apply(ctx, c); err != nil {
		return err
	}
	r.accounts.add(c.Accounts...)
	return nil
}
