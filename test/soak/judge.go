package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/audit"
	"qiantang.dev/rails/internal/ledger/open"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/sim/judge"
	"qiantang.dev/rails/pkg/client"
)

// final states of a payment.
var final = []client.Status{client.Paid, client.Settled, client.Rejected, client.Cancelled, client.Returned}

// figures are what a soak came to.
type figures struct {
	states  map[string]int64
	kills   int
	outages int64
	took    time.Duration
	report  judge.Report
	entries uint64
	books   []string
	rejects []client.SummaryReject
}

func (f *figures) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "in %s, with %d kills and %d outages: %v\n", f.took.Round(time.Second), f.kills, f.outages, f.states)
	for _, r := range f.rejects {
		fmt.Fprintf(&b, "%d rejected with %s, such as: %s\n", r.Payments, r.Code, r.Example)
	}
	fmt.Fprintf(&b, "simulator: %d payouts taken, %d paid, %d refused, %d under way, %d paid twice; %d exchanges\n", f.report.Payouts, f.report.Succeeded,
		f.report.Failed, f.report.Processing, len(f.report.Duplicates), f.report.Exchanges)
	fmt.Fprintf(&b, "ledger: %d entries proven\n%s", f.entries, strings.Join(f.books, "\n"))
	return b.String()
}

// judge compares books and simulator. The error names everything that is not as it must be.
func (s *soak) judge(ctx context.Context, took time.Duration) (*figures, error) {
	f := &figures{kills: s.kills, outages: s.outages.Load(), took: took, rejects: s.rejects}
	var err error
	if f.report, err = s.simulator.Report(ctx); err != nil {
		return nil, err
	}
	books, err := open.Open(ctx, "sqlite://"+filepath.Join(s.dir, "data", "ledger.db"), open.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = books.Close() }()
	if f.states, err = books.CountRecords(ctx, "payment", ""); err != nil {
		return f, err
	}
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	var all, ended int64
	for _, n := range f.states {
		all += n
	}
	for _, state := range final {
		ended += f.states[string(state)]
	}
	if all != int64(s.payments) || ended != all {
		say("%d payments on record, %d of them in a final state: want %d", all, ended, s.payments)
	}
	if paid := f.states[string(client.Paid)] + f.states[string(client.Settled)]; paid != int64(f.report.Succeeded) {
		say("%d payments are paid in the books, %d at the simulator", paid, f.report.Succeeded)
	}
	if len(f.report.Duplicates) > 0 || f.report.Processing > 0 || f.report.Conflicts > 0 {
		say("simulator: %d paid twice, %d not ended, %d conflicts", len(f.report.Duplicates), f.report.Processing, f.report.Conflicts)
	}
	if err := f.agree(ctx, books); err != nil {
		wrong = append(wrong, err)
	}
	if err := f.prove(ctx, books); err != nil {
		wrong = append(wrong, err)
	}
	return f, errors.Join(wrong...)
}

// agree compares what providers say that they sold and bought with their positions in the books, less what their rates cost: in each
// currency, over payouts and over exchanges that paid nobody.
func (f *figures) agree(ctx context.Context, books ledger.Ledger) error {
	type position struct {
		provider string
		currency money.Currency
	}
	want := map[position]int64{}
	var errs []error
	add := func(provider, currency, value string, sign int64) {
		a, err := money.ParseAmount(value, money.Currency(currency))
		errs = append(errs, err)
		want[position{provider, a.Currency()}] += sign * a.Minor()
	}
	for _, s := range slices.Concat(f.report.Sums, f.report.ExchangeSums) {
		if s.State == judge.Succeeded {
			add(s.Provider, s.SellCurrency, s.Sold, 1)
			add(s.Provider, s.BuyCurrency, s.Paid, -1)
		}
	}
	for p, minor := range want {
		posted := func(account string) int64 {
			id := account + ":" + p.provider + ":" + string(p.currency)
			b, err := books.Balance(ctx, id)
			var missing *ledger.NotFoundError
			if !errors.As(err, &missing) {
				errs = append(errs, err)
			}
			return b.Posted
		}
		// The position is an asset, what the provider keeps of it a liability.
		ours := posted("spread") - posted("fx")
		f.books = append(f.books, fmt.Sprintf("%s: position %s; the books say %s", p.provider, money.FromMinor(minor, p.currency), money.FromMinor(ours, p.currency)))
		if ours != minor {
			errs = append(errs, fmt.Errorf("%s has a position of %s, the books say %s", p.provider, money.FromMinor(minor, p.currency), money.FromMinor(ours, p.currency)))
		}
	}
	slices.Sort(f.books)
	return errors.Join(errs...)
}

// prove has the ledger prove itself.
func (f *figures) prove(ctx context.Context, books ledger.Ledger) error {
	source, ok := books.(audit.Source)
	if !ok {
		return fmt.Errorf("%T cannot be audited", books)
	}
	rep, err := audit.Verify(ctx, source, audit.Options{})
	if err != nil {
		return err
	}
	f.entries = rep.Entries
	if len(rep.Findings) > 0 {
		return fmt.Errorf("audit: %v and %d more", rep.Findings[0], len(rep.Findings)+rep.More-1)
	}
	lines, err := books.TrialBalance(ctx)
	if err != nil {
		return err
	}
	sums := map[money.Currency]int64{}
	for _, l := range lines {
		sums[l.Currency] += l.Debits.Minor() - l.Credits.Minor()
	}
	for c, v := range sums {
		if v != 0 {
			return fmt.Errorf("the books are off by %s", money.FromMinor(v, c))
		}
	}
	held, err := books.Balance(ctx, account)
	if err == nil && held.PendingOut != 0 {
		err = fmt.Errorf("%s is still reserved", money.FromMinor(held.PendingOut, "USD"))
	}
	return err
}
