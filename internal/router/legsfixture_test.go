package router

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/internal/sim/judge"
)

// byHKD has pingpong sell HKD for USD, and lianlian and antom CNY for HKD; direct also has antom take USD to CNY.
func (w *world) byHKD(direct bool) {
	w.Helper()
	for i := range w.region.Providers {
		switch p := &w.region.Providers[i]; p.Name {
		case "pingpong":
			p.Pairs = []plan.Pair{{Sell: "USD", Buy: "HKD"}}
		case "lianlian":
			p.Pairs = []plan.Pair{{Sell: "HKD", Buy: "CNY"}}
		case "antom":
			p.Pairs = []plan.Pair{{Sell: "HKD", Buy: "CNY"}}
			if direct {
				p.Pairs = append(p.Pairs, plan.Pair{Sell: "USD", Buy: "CNY"})
			}
		}
	}
	w.region.Corridors = w.region.Corridors[:1]
	w.seal()
	w.spreads(map[string]int64{"pingpong": 10, "lianlian": 10, "antom": 20})
}

func (w *world) seal() {
	w.Helper()
	if err := plan.Seal(w.region); err != nil {
		w.Fatal(err)
	}
}

func (w *world) spreads(bps map[string]int64) {
	w.Helper()
	for name, b := range bps {
		if err := w.sim.SetFaults(name, sim.Faults{SpreadBps: b}); err != nil {
			w.Fatal(err)
		}
	}
}

// positions checks that every provider's positions in the books are, in each currency, what the simulators say that it got and gave, and
// that clearing accounts are empty. It does not know of refunds.
func (w *world) positions() {
	w.Helper()
	want := map[string]int64{}
	report := w.sim.Report(false)
	for _, s := range append(report.Sums, report.ExchangeSums...) {
		if s.State != judge.Succeeded {
			continue
		}
		sold, err := money.ParseAmount(s.Sold, money.Currency(s.SellCurrency))
		if err != nil {
			w.Fatal(err)
		}
		paid, err := money.ParseAmount(s.Paid, money.Currency(s.BuyCurrency))
		if err != nil {
			w.Fatal(err)
		}
		want[s.Provider+":"+s.SellCurrency] += sold.Minor()
		want[s.Provider+":"+s.BuyCurrency] -= paid.Minor()
	}
	for _, c := range []string{"USD", "HKD", "CNY", "EUR"} {
		for i := range w.region.Providers {
			name := w.region.Providers[i].Name + ":" + c
			if have := w.credit("fx:"+name) + w.credit("spread:"+name); have != want[name] {
				w.Errorf("position %s is %d in the books, %d at the provider", name, have, want[name])
			}
		}
		for i := range w.region.Corridors {
			if id := "clearing:" + w.region.Corridors[i].Name + ":" + c; w.credit(id) != 0 {
				w.Errorf("%s stands at %d", id, w.credit(id))
			}
		}
	}
	exchanges := map[string]int{}
	for _, r := range w.sim.Book().All("", judge.Exchange) {
		if id, _, ours := strings.Cut(r.ID, exchangeMark); ours && r.Fate == judge.Succeeded {
			if exchanges[id]++; exchanges[id] > 1 {
				w.Errorf("exchanged twice for payment %s", id)
			}
		}
	}
}

// credit is an account's credits less its debits, in minor units; nothing where there is no such account.
func (w *world) credit(id string) int64 {
	w.Helper()
	a, err := w.ledger.Account(context.Background(), id)
	var missing *ledger.NotFoundError
	if errors.As(err, &missing) {
		return 0
	}
	b, err2 := w.ledger.Balance(context.Background(), id)
	if err = errors.Join(err, err2); err != nil {
		w.Fatal(err)
	}
	if a.Type == ledger.Asset || a.Type == ledger.Expense {
		return -b.Posted
	}
	return b.Posted
}

// stubborn refuses to lock, to exchange or to pay where told to, for good, and counts what gets through.
type stubborn struct {
	fx.Provider
	lock, convert, pay error
	*counts
}

type counts struct {
	mu                    sync.Mutex
	locks, converts, pays int
}

func (p stubborn) refuse(n *int, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	*n++
	return err
}

func (p stubborn) Lock(ctx context.Context, q fx.Quote) (fx.Quote, error) {
	if err := p.refuse(&p.locks, p.lock); err != nil {
		return fx.Quote{}, err
	}
	return p.Provider.Lock(ctx, q)
}

func (p stubborn) Convert(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	if err := p.refuse(&p.converts, p.convert); err != nil {
		return fx.Status{}, err
	}
	return p.Provider.(fx.Converter).Convert(ctx, i)
}

func (p stubborn) QueryConversion(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	return p.Provider.(fx.Converter).QueryConversion(ctx, i)
}

func (p stubborn) Pay(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	if err := p.refuse(&p.pays, p.pay); err != nil {
		return fx.Status{}, err
	}
	return p.Provider.Pay(ctx, i)
}

func final(op string) error {
	return &fx.Error{Op: op, Class: fx.Final, Code: "no", Err: errors.New("we do not want to")}
}

// named gives a provider by what it quotes as.
func named(p fx.Provider) string {
	q, _ := p.Quote(context.Background(), fx.QuoteRequest{Sell: money.FromMinor(100, "USD"), Buy: money.Zero("USD"), Latest: time.Now().Add(time.Minute)})
	return q.Provider
}

// refusing puts a stubborn in the place of each named provider.
func (w *world) refusing(by map[string]stubborn) {
	w.between = func(p fx.Provider) fx.Provider {
		s, ok := by[named(p)]
		if !ok {
			return p
		}
		s.Provider = p
		return s
	}
}
