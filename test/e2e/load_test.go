//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"qiantang.dev/rails/pkg/client"
)

// load pays 10.00 again and again, each payment under a key of its own until it is answered.
type load struct {
	c       *client.Client
	account string
	stop    chan struct{}
	workers sync.WaitGroup

	mu     sync.Mutex
	ids    map[string]string
	down   int
	broken error
}

const loadCallers = 8

func (l *load) request() client.PaymentRequest {
	return client.PaymentRequest{
		Corridor: "hk-cn", Account: l.account, Amount: client.Money{Currency: "USD", Value: "10.00"}, Purpose: "GDDS",
		Beneficiary: client.Party{Name: "Yiwu Small Commodities Ltd", Country: "CN", Account: "6228480322877711111", AgentBIC: "ABOCCNBJ110"},
	}
}

func startLoad(t *testing.T) *load {
	t.Helper()
	owner := fmt.Sprintf("hk-%d", time.Now().UnixNano())
	c, err := client.New(record.Regions[hk].URL, &http.Client{Timeout: 20 * time.Second}) // A pod that is killed says no more.
	if err != nil {
		t.Fatal(err)
	}
	c.Retries = 0 // The callers try again themselves, and count.
	l := &load{c: c, account: "customer:" + owner + ":USD", stop: make(chan struct{}), ids: map[string]string{}}
	eventually(t, "account", func() error {
		_, err := l.c.OpenAccount(t.Context(), client.AccountRequest{Owner: owner, Currency: "USD", Participant: "lianlian"})
		return err
	})
	eventually(t, "deposit", func() error {
		_, err := l.c.Deposit(t.Context(), "fund-"+owner, client.DepositRequest{Account: l.account, Amount: client.Money{Currency: "USD", Value: "1000000.00"}})
		return err
	})
	for i := range loadCallers {
		l.workers.Go(func() { l.run(t.Context(), fmt.Sprintf("%s-%d", owner, i)) })
	}
	t.Cleanup(l.finish)
	return l
}

// run is one caller. It paces itself, as the machine has other things to do.
func (l *load) run(ctx context.Context, prefix string) {
	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()
	for n := 0; ; {
		key := fmt.Sprintf("%s-%d", prefix, n)
		p, err := l.c.Pay(ctx, key, l.request())
		if ctx.Err() != nil {
			return
		}
		var problem *client.Problem
		answered := errors.As(err, &problem)
		l.mu.Lock()
		switch {
		case err == nil:
			l.ids[key] = p.ID
			n++
		case answered && problem.Status == http.StatusServiceUnavailable:
			l.down++
		case answered && problem.Status < http.StatusInternalServerError && problem.Status != http.StatusTooManyRequests:
			l.broken = fmt.Errorf("payment %s: %w", key, err)
		}
		broken := l.broken
		l.mu.Unlock()
		if broken != nil {
			return
		}
		select {
		case <-l.stop:
			if err == nil {
				return // Only with an answer to the last key: what was sent is known.
			}
		default:
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
	}
}

func (l *load) unavailable() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down
}

func (l *load) answered(t *testing.T, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d payments are answered", want), func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.broken != nil {
			t.Fatal(l.broken)
		}
		if len(l.ids) < want {
			return fmt.Errorf("%d are", len(l.ids))
		}
		return nil
	})
}

func (l *load) finish() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.workers.Wait()
}

// end waits for want answers, ends the load, and sees that each payment is paid and debited once. It returns how many there are.
func (l *load) end(t *testing.T, want int) int {
	t.Helper()
	l.answered(t, want)
	l.finish()
	for key, id := range l.ids {
		eventually(t, "payment "+id+" is paid, and still the one of its key", func() error {
			p, err := l.c.Pay(t.Context(), key, l.request())
			if err != nil {
				return err
			}
			if p.ID != id {
				t.Errorf("key %s was payment %s and is %s", key, id, p.ID)
			}
			if p, err = l.c.Payment(t.Context(), id); err != nil { // The answer to a key is the one of then.
				return err
			}
			if p.Status != client.Paid && p.Status != client.Settled {
				return fmt.Errorf("it is %s", p.Status)
			}
			return nil
		})
	}
	left := fmt.Sprintf("%d.00", 1_000_000-10*len(l.ids))
	if a, err := l.c.Account(t.Context(), l.account); err != nil || a.Posted != left || a.Available != left {
		t.Errorf("account %+v, %v; want %s after %d payments of 10.00", a, err, left, len(l.ids))
	}
	return len(l.ids)
}
