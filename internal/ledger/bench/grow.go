package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

// A large ledger's window: obligations between so many participants in so many currencies.
const (
	Participants = 300
	Window       = "settlement:large:2026-10-01"
	perCommit    = 32
)

var currencies = [...]money.Currency{"USD", "EUR", "CNY"}

func obligor(i, currency int) string {
	return fmt.Sprintf("settlement:p%d:%s", i, currencies[currency])
}

// LargeAccounts creates the accounts that Grow books between.
func LargeAccounts(ctx context.Context, l ledger.Ledger) error {
	if err := Accounts(ctx, l, 10_000); err != nil {
		return err
	}
	var all []ledger.Account
	for i := range Participants {
		for c := range currencies {
			all = append(all, ledger.Account{ID: obligor(i, c), Owner: fmt.Sprintf("p%d", i), Type: ledger.Liability, Currency: currencies[c]})
		}
	}
	for part := range slices.Chunk(all, ledger.MaxAccounts) {
		if _, err := l.Apply(ctx, ledger.Commit{Accounts: part}); err != nil {
			return err
		}
	}
	return nil
}

// Grow books until booked entries were booked or stop is closed, by 256 callers: nine of ten are obligations of one settlement window, in
// commits of 32; the others reserve and post between customers. It returns how many it booked, and how many a second.
func Grow(ctx context.Context, l ledger.Ledger, entries int64, stop <-chan struct{}) (booked int64, perSecond float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var left, done atomic.Int64
	left.Store(entries)
	var once sync.Once
	var wg sync.WaitGroup
	begin := time.Now()
	for range 256 {
		wg.Go(func() {
			for ctx.Err() == nil {
				select {
				case <-stop:
					return
				default:
				}
				if left.Add(-perCommit) < 0 {
					return
				}
				c := obligations()
				if rand.IntN(10) == 0 {
					c = payments()
				}
				if _, failed := l.Apply(ctx, c); failed != nil {
					once.Do(func() { err = failed })
					cancel()
					return
				}
				done.Add(perCommit)
			}
		})
	}
	wg.Wait()
	return done.Load(), float64(done.Load()) / time.Since(begin).Seconds(), err
}

func obligations() ledger.Commit {
	var c ledger.Commit
	for range perCommit {
		from, currency := rand.IntN(Participants), rand.IntN(len(currencies))
		c.Transfers = append(c.Transfers, ledger.Transfer{
			ID: uuid.Must(uuid.NewV7()), Kind: ledger.Immediate, Debit: obligor(from, currency),
			Credit: obligor((from+1+rand.IntN(Participants-1))%Participants, currency),
			Amount: money.FromMinor(1+rand.Int64N(100_000), currencies[currency]), Code: "obligation", Window: Window,
		})
	}
	return c
}

func payments() ledger.Commit {
	var c ledger.Commit
	for range perCommit / 2 {
		from := rand.IntN(10_000)
		hold := ledger.Transfer{
			ID: uuid.Must(uuid.NewV7()), Kind: ledger.Reserve, Debit: Customer(from), Credit: Customer((from + 1 + rand.IntN(9_999)) % 10_000),
			Amount: money.FromMinor(1+rand.Int64N(100_000), "USD"), Code: "principal",
		}
		c.Transfers = append(c.Transfers, hold, ledger.Transfer{ID: uuid.Must(uuid.NewV7()), Kind: ledger.Post, Ref: hold.ID, Code: "principal"})
	}
	return c
}
