package settle

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

const accountPrefix = "settlement:"

// AccountID names the account in which a participant's obligations in a currency stand.
func AccountID(participant string, c money.Currency) string {
	return accountPrefix + participant + ":" + string(c)
}

func parseAccount(id string) (participant string, c money.Currency, ok bool) {
	rest, ok := strings.CutPrefix(id, accountPrefix)
	i := strings.LastIndexByte(rest, ':')
	if !ok || i < 1 {
		return "", "", false
	}
	c, err := money.ParseCurrency(rest[i+1:])
	return rest[:i], c, err == nil
}

// positions reads a closed window's positions, by participant and currency, and counts its obligations.
func positions(ctx context.Context, l ledger.Ledger, window string) (all []Position, payments int64, err error) {
	booked, err := l.WindowPositions(ctx, window)
	if err != nil {
		return nil, 0, fmt.Errorf("positions of window %q: %w", window, err)
	}
	for _, b := range booked {
		who, c, ok := parseAccount(b.Account)
		if !ok || c != b.Currency {
			return nil, 0, fmt.Errorf("window %q holds account %q, which is not of settlement", window, b.Account)
		}
		all = append(all, Position{Participant: who, Currency: c, In: b.Credits, Out: b.Debits})
		payments += b.Count
	}
	slices.SortFunc(all, func(a, b Position) int {
		return strings.Compare(AccountID(a.Participant, a.Currency), AccountID(b.Participant, b.Currency))
	})
	// Each obligation stands in two accounts.
	return all, payments / 2, CheckZeroSum(all)
}

const entriesPage = 1000

// obligations reads a closed window's obligations one by one, in the order of booking within each debtor. They are looked for from
// the window's opening on, so that the cost is the window's, not the account's history.
func obligations(ctx context.Context, l ledger.Ledger, window string, created time.Time, of []Position) ([]Obligation, error) {
	var all []Obligation
	for _, p := range of {
		if p.Out == 0 {
			continue
		}
		account := AccountID(p.Participant, p.Currency)
		after, err := before(ctx, l, account, created)
		if err != nil {
			return nil, fmt.Errorf("obligations of window %q: %w", window, err)
		}
		var sum int64
		for {
			page, err := l.Entries(ctx, account, after, entriesPage)
			if err != nil {
				return nil, fmt.Errorf("obligations of window %q: %w", window, err)
			}
			for _, e := range page {
				after = e.Seq
				if e.Window != window || e.Debit != account || !moves(e.Kind) {
					continue
				}
				to, c, ok := parseAccount(e.Credit)
				if !ok || c != p.Currency {
					return nil, fmt.Errorf("window %q: entry %d credits %q, which is not of settlement in %s", window, e.Seq, e.Credit, p.Currency)
				}
				sum += e.Amount.Minor()
				all = append(all, Obligation{From: p.Participant, To: to, Amount: e.Amount})
			}
			if len(page) < entriesPage {
				break
			}
		}
		if sum != p.Out {
			return nil, fmt.Errorf("window %q: entries of %s come to %d minor units, its position to %d", window, account, sum, p.Out)
		}
	}
	return all, nil
}

func moves(k ledger.TransferKind) bool {
	return k == ledger.Immediate || k == ledger.Post || k == ledger.Reverse
}

// before finds a place in the journal after which every entry of the account that was booked at or after t comes.
func before(ctx context.Context, l ledger.Ledger, account string, t time.Time) (uint64, error) {
	bal, err := l.Balance(ctx, account)
	if err != nil {
		return 0, err
	}
	var failed error
	n := sort.Search(int(min(bal.Seq, 1<<40)), func(seq int) bool {
		if failed != nil {
			return true
		}
		next, err := l.Entries(ctx, account, uint64(seq), 1)
		if err != nil {
			failed = err
			return true
		}
		return len(next) == 0 || !next[0].Booked.Before(t)
	})
	return uint64(n), failed
}
