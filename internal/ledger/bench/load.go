package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

// Config is one measurement.
type Config struct {
	Callers int
	// Accounts is how many customers there are; each booking takes two at random. Hot: all pay into one account instead.
	Accounts int
	Hot      bool
	// For is how long is measured.
	For time.Duration
}

// Result is what was measured. A reserve and its post are two bookings.
type Result struct {
	Bookings  int64
	PerSecond float64
	P50, P99  time.Duration
	Max       time.Duration
}

// Customer is the i-th account.
func Customer(i int) string { return fmt.Sprintf("customer:c%d:USD", i) }

// Hot is the account that takes part in every booking of a hot measurement.
const Hot = "clearing:hot:USD"

// Accounts creates the accounts of a measurement.
func Accounts(ctx context.Context, l ledger.Ledger, n int) error {
	all := []ledger.Account{{ID: Hot, Type: ledger.Liability, Currency: "USD"}}
	for i := range n {
		all = append(all, ledger.Account{ID: Customer(i), Owner: fmt.Sprintf("c%d", i), Type: ledger.Liability, Currency: "USD"})
	}
	for part := range slices.Chunk(all, ledger.MaxAccounts) {
		if _, err := l.Apply(ctx, ledger.Commit{Accounts: part}); err != nil {
			return err
		}
	}
	return nil
}

// Load measures reserves and posts by cfg.Callers, each waiting for the answer before its next.
func Load(ctx context.Context, l ledger.Ledger, cfg Config) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var took []time.Duration
	var first error
	var wg sync.WaitGroup
	begin := time.Now()
	end := begin.Add(cfg.For)
	for c := range cfg.Callers {
		wg.Go(func() {
			mine, err := caller(ctx, l, cfg, rand.New(rand.NewPCG(uint64(c), 7)), end)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			if err != nil && first == nil {
				first = err
				cancel()
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	if first != nil {
		return Result{}, first
	}
	slices.Sort(took)
	n := len(took)
	if n == 0 {
		return Result{}, fmt.Errorf("nothing was booked in %s", elapsed)
	}
	return Result{Bookings: int64(n), PerSecond: float64(n) / elapsed.Seconds(), P50: took[n/2], P99: took[n*99/100], Max: took[n-1]}, nil
}

func caller(ctx context.Context, l ledger.Ledger, cfg Config, r *rand.Rand, end time.Time) ([]time.Duration, error) {
	var took []time.Duration
	for time.Now().Before(end) {
		from := r.IntN(cfg.Accounts)
		to := Customer((from + 1 + r.IntN(cfg.Accounts-1)) % cfg.Accounts)
		if cfg.Hot {
			to = Hot
		}
		reserve := ledger.Transfer{
			ID: uuid.Must(uuid.NewV7()), Kind: ledger.Reserve, Debit: Customer(from), Credit: to,
			Amount: money.FromMinor(1+r.Int64N(100000), "USD"), Code: "principal",
		}
		post := ledger.Transfer{ID: uuid.Must(uuid.NewV7()), Kind: ledger.Post, Ref: reserve.ID, Code: "principal"}
		for _, t := range [2]ledger.Transfer{reserve, post} {
			at := time.Now()
			if _, err := l.Apply(ctx, ledger.Commit{Transfers: []ledger.Transfer{t}}); err != nil {
				return took, err
			}
			took = append(took, time.Since(at))
		}
	}
	return took, nil
}
