package worker

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

// TrialBalance is the whole ledger in a few lines, as GET /v1/trial-balance answers it.
type TrialBalance struct {
	Entries  uint64             `json:"entries" doc:"Booked so far"`
	Balanced bool               `json:"balanced" doc:"Whether debits equal credits in every currency"`
	Lines    []TrialBalanceLine `json:"lines"`
}

// TrialBalanceLine is one account type's turnover in one currency.
type TrialBalanceLine struct {
	Type     string `json:"type" example:"liability"`
	Currency string `json:"currency"`
	Debits   string `json:"debits"`
	Credits  string `json:"credits"`
	Accounts int    `json:"accounts"`
}

func registerBooks(api huma.API, l ledger.Ledger, clock func() time.Time) {
	huma.Register(api, huma.Operation{
		OperationID: "trial-balance", Method: http.MethodGet, Path: "/v1/trial-balance", Summary: "The books in a few lines", Tags: []string{"Ledger"},
	}, func(ctx context.Context, _ *struct{}) (*struct{ Body TrialBalance }, error) {
		b, err := trialBalance(ctx, l, clock())
		if err != nil {
			return nil, huma.Error503ServiceUnavailable("the ledger cannot be read: " + err.Error())
		}
		return &struct{ Body TrialBalance }{b}, nil
	})
}

func trialBalance(ctx context.Context, l ledger.Ledger, now time.Time) (TrialBalance, error) {
	head, err := l.SeqAt(ctx, now)
	if err != nil {
		return TrialBalance{}, err
	}
	lines, err := l.TrialBalance(ctx)
	if err != nil {
		return TrialBalance{}, err
	}
	out := TrialBalance{Entries: head, Balanced: true, Lines: []TrialBalanceLine{}}
	sums := map[money.Currency]money.Amount{}
	for _, t := range lines {
		out.Lines = append(out.Lines, TrialBalanceLine{
			Type: string(t.Type), Currency: string(t.Currency), Debits: t.Debits.Decimal(), Credits: t.Credits.Decimal(), Accounts: t.Accounts,
		})
		sum, ok := sums[t.Currency]
		if !ok {
			sum = money.Zero(t.Currency)
		}
		if sum, err = sum.Add(t.Debits); err == nil {
			sum, err = sum.Sub(t.Credits)
		}
		if err != nil {
			return TrialBalance{}, err
		}
		sums[t.Currency] = sum
	}
	for _, s := range sums {
		out.Balanced = out.Balanced && s.IsZero()
	}
	return out, nil
}
