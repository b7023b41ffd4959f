package openfx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/wire"
	"qiantang.dev/rails/internal/money"
)

type party struct {
	Name     string `json:"name,omitempty"`
	Country  string `json:"country,omitempty"`
	Account  string `json:"account,omitempty"`
	AgentBIC string `json:"agentBic,omitempty"`
	CNAPS    string `json:"cnaps,omitempty"`
	Town     string `json:"town,omitempty"`
	Street   string `json:"street,omitempty"`
	PostCode string `json:"postCode,omitempty"`
}

func toParty(p fx.Party) *party {
	if p == (fx.Party{}) {
		return nil
	}
	return &party{Name: p.Name, Country: p.Country, Account: p.Account, AgentBIC: p.AgentBIC, CNAPS: p.CNAPS, Town: p.Town, Street: p.Street,
		PostCode: p.PostCode}
}

type instruction struct {
	QuoteID      string `json:"quoteId,omitempty"`
	SellCurrency string `json:"sellCurrency"`
	SellAmount   string `json:"sellAmount"`
	BuyCurrency  string `json:"buyCurrency"`
	BuyAmount    string `json:"buyAmount"`
	Beneficiary  *party `json:"beneficiary,omitempty"`
	Debtor       *party `json:"debtor,omitempty"`
	Rail         string `json:"rail,omitempty"`
	Purpose      string `json:"purpose,omitempty"`
	Remittance   string `json:"remittance,omitempty"`
	UETR         string `json:"uetr,omitempty"`
}

type payout struct {
	ID          string    `json:"id"`
	Reference   string    `json:"reference"`
	Status      string    `json:"status"`
	BuyCurrency string    `json:"buyCurrency"`
	BuyAmount   wire.Text `json:"buyAmount"`
	Code        string    `json:"code"`
	Message     string    `json:"message"`
}

func payoutPath(id string) string     { return "/v1/payouts/" + url.PathEscape(id) }
func conversionPath(id string) string { return "/v1/conversions/" + url.PathEscape(id) }

// Pay puts the payout under our ID.
func (a *Adapter) Pay(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	request := deal(i)
	request.Beneficiary, request.Debtor = toParty(i.Beneficiary), toParty(i.Debtor)
	request.Rail, request.Purpose, request.Remittance, request.UETR = i.Rail, i.Purpose, i.Remittance, i.UETR
	body, err := wire.Encode(request)
	if err != nil {
		return fx.Status{}, a.wire.Error(payMany, fx.Final, "request", err)
	}
	o := a.payouts.pay(ctx, &pending{i: i, body: body})
	if errors.Is(o.err, errGivenUp) || errors.Is(o.err, errWithdrawn) {
		return fx.Status{}, a.wire.GivenUp(ctx, payMany, errors.Is(o.err, errGivenUp), o.err)
	}
	return o.status, o.err
}

// Convert puts the conversion under our ID.
func (a *Adapter) Convert(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	return a.put(ctx, conversionPath(i.ID), i, deal(i))
}

func deal(i fx.Instruction) instruction {
	return instruction{QuoteID: i.Quote.ID, SellCurrency: string(i.Quote.Sell.Currency()), SellAmount: i.Quote.Sell.Decimal(),
		BuyCurrency: string(i.Quote.Buy.Currency()), BuyAmount: i.Quote.Buy.Decimal()}
}

func (a *Adapter) put(ctx context.Context, path string, i fx.Instruction, request instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpPay, Moves: true, Method: http.MethodPut, Path: path}
	var p payout
	if err := a.send(ctx, call, request, &p); err != nil {
		return fx.Status{}, err
	}
	return a.status(call, i, p)
}

// Query gets the payout by our ID.
func (a *Adapter) Query(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	return a.get(ctx, payoutPath(i.ID), i)
}

// QueryConversion gets the conversion by our ID.
func (a *Adapter) QueryConversion(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	return a.get(ctx, conversionPath(i.ID), i)
}

func (a *Adapter) get(ctx context.Context, path string, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpQuery, Method: http.MethodGet, Path: path}
	var p payout
	err := a.send(ctx, call, nil, &p)
	var e *fx.Error
	if errors.As(err, &e) && e.Code == codeNotFound {
		return fx.Status{Outcome: fx.NotFound}, nil
	}
	if err != nil {
		return fx.Status{}, err
	}
	return a.status(call, i, p)
}

func (a *Adapter) status(call wire.Call, i fx.Instruction, p payout) (fx.Status, error) {
	if p.ID != i.ID {
		return fx.Status{}, a.wire.Fail(call, "malformed", fmt.Errorf("answer is of payout %q, not %q", p.ID, i.ID))
	}
	s := fx.Status{ProviderRef: p.Reference, Code: p.Status}
	switch p.Status {
	case "processing":
		s.Outcome = fx.Pending
	case "succeeded":
		paid, err := p.BuyAmount.Amount(money.Currency(p.BuyCurrency))
		return a.wire.Succeeded(call, s, i.Quote.Buy, paid, err)
	case "failed":
		s.Outcome, s.Code, s.Message = fx.Failed, p.Code, a.wire.Scrub(p.Message)
	default:
		return fx.Status{}, a.wire.Fail(call, "status", fmt.Errorf("status %q is not known", p.Status))
	}
	return s, nil
}
