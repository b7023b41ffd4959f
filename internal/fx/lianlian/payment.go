package lianlian

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

type payee struct {
	Name       string `json:"name"`
	Country    string `json:"country"`
	AccountNo  string `json:"accountNo"`
	SwiftCode  string `json:"swiftCode,omitempty"`
	Town       string `json:"town,omitempty"`
	Street     string `json:"street,omitempty"`
	PostalCode string `json:"postalCode,omitempty"`
}

type payoutRequest struct {
	PayoutID        string `json:"payoutId"`
	RateID          string `json:"rateId,omitempty"`
	PricingCurrency string `json:"pricingCurrency"`
	SourceCurrency  string `json:"sourceCurrency"`
	TargetCurrency  string `json:"targetCurrency"`
	SourceAmount    string `json:"sourceAmount"`
	TargetAmount    string `json:"targetAmount"`
	Payee           payee  `json:"payee"`
	CNAPSCode       string `json:"cnapsCode,omitempty"`
	Channel         string `json:"channel,omitempty"`
	Purpose         string `json:"purpose,omitempty"`
	Reference       string `json:"reference,omitempty"`
	Remark          string `json:"remark,omitempty"`
}

type payout struct {
	PayoutID       string    `json:"payoutId"`
	ExchangeID     string    `json:"exchangeId"`
	SystemID       string    `json:"systemId"`
	Status         string    `json:"status"`
	TargetCurrency string    `json:"targetCurrency"`
	TargetAmount   wire.Text `json:"targetAmount"`
	FailCode       string    `json:"failCode"`
	FailReason     string    `json:"failReason"`
}

// Pay creates the payout, converting at the quote's rate where it has two currencies.
func (a *Adapter) Pay(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpPay, Moves: true, Method: http.MethodPost, Path: a.paths.payout}
	b := i.Beneficiary
	var p payout
	err := a.send(ctx, call, payoutRequest{PayoutID: i.ID, RateID: i.Quote.ID, PricingCurrency: string(i.Quote.Sell.Currency()),
		SourceCurrency: string(i.Quote.Sell.Currency()), TargetCurrency: string(i.Quote.Buy.Currency()),
		SourceAmount: i.Quote.Sell.Decimal(), TargetAmount: i.Quote.Buy.Decimal(),
		Payee: payee{Name: b.Name, Country: b.Country, AccountNo: b.Account, SwiftCode: b.AgentBIC, Town: b.Town, Street: b.Street,
			PostalCode: b.PostCode},
		CNAPSCode: b.CNAPS, Channel: i.Rail, Purpose: i.Purpose, Reference: i.UETR, Remark: i.Remittance}, &p)
	if err != nil {
		return fx.Status{}, err
	}
	return a.status(call, i, p)
}

// Query finds the payout by our ID.
func (a *Adapter) Query(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpQuery, Method: http.MethodGet, Path: a.paths.payout + "/" + url.PathEscape(i.ID)}
	var p payout
	found, err := a.find(ctx, call, &p)
	if err != nil || !found {
		return fx.Status{Outcome: fx.NotFound}, err
	}
	return a.status(call, i, p)
}

// find is false where LianLian says in its own words that there is no such ID.
func (a *Adapter) find(ctx context.Context, call wire.Call, p *payout) (bool, error) {
	err := a.send(ctx, call, nil, p)
	var e *fx.Error
	if errors.As(err, &e) && e.Code == codeNotFound {
		return false, nil
	}
	return err == nil, err
}

type exchangeRequest struct {
	ExchangeID     string `json:"exchangeId"`
	RateID         string `json:"rateId"`
	SourceCurrency string `json:"sourceCurrency"`
	TargetCurrency string `json:"targetCurrency"`
	SourceAmount   string `json:"sourceAmount"`
	TargetAmount   string `json:"targetAmount"`
}

// Convert exchanges between our balances.
func (a *Adapter) Convert(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpPay, Moves: true, Method: http.MethodPost, Path: a.paths.exchange}
	var p payout
	err := a.send(ctx, call, exchangeRequest{ExchangeID: i.ID, RateID: i.Quote.ID, SourceCurrency: string(i.Quote.Sell.Currency()),
		TargetCurrency: string(i.Quote.Buy.Currency()), SourceAmount: i.Quote.Sell.Decimal(), TargetAmount: i.Quote.Buy.Decimal()}, &p)
	if err != nil {
		return fx.Status{}, err
	}
	p.PayoutID = p.ExchangeID
	return a.status(call, i, p)
}

// QueryConversion finds an exchange by our ID.
func (a *Adapter) QueryConversion(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpQuery, Method: http.MethodGet, Path: a.paths.exchange + "/" + url.PathEscape(i.ID)}
	var p payout
	found, err := a.find(ctx, call, &p)
	if err != nil || !found {
		return fx.Status{Outcome: fx.NotFound}, err
	}
	p.PayoutID = p.ExchangeID
	return a.status(call, i, p)
}

func (a *Adapter) status(call wire.Call, i fx.Instruction, p payout) (fx.Status, error) {
	if p.PayoutID != i.ID {
		return fx.Status{}, a.wire.Fail(call, "malformed", fmt.Errorf("answer is of payout %q, not %q", p.PayoutID, i.ID))
	}
	s := fx.Status{ProviderRef: p.SystemID, Code: p.Status}
	switch p.Status {
	case "Processing", "Hedged":
		// Hedged: the provider has covered the rate, the beneficiary is not paid yet.
		s.Outcome = fx.Pending
	case "Successed":
		paid, err := p.TargetAmount.Amount(money.Currency(p.TargetCurrency))
		return a.wire.Succeeded(call, s, i.Quote.Buy, paid, err)
	case "Failed":
		s.Outcome, s.Code, s.Message = fx.Failed, p.FailCode, a.wire.Scrub(p.FailReason)
	default:
		return fx.Status{}, a.wire.Fail(call, "status", fmt.Errorf("status %q is not known", p.Status))
	}
	return s, nil
}

// TradeFile is evidence of the trade behind a payout.
type TradeFile struct {
	ID        string `json:"tradeFileId"`
	PayoutID  string `json:"payoutId"`
	TradeType string `json:"tradeType"`
	// TradeCode is the balance-of-payments code; 122010 (network purchases) wants the declaration's number.
	TradeCode            string `json:"tradeCode"`
	CustomsDeclarationNo string `json:"CustomsDeclarationNo,omitempty"`
}

// customsCode is the trade code for which LianLian wants a customs declaration.
const customsCode = "122010"

// SendTradeFile hands in evidence, before or after the payout; the ID makes it idempotent.
func (a *Adapter) SendTradeFile(ctx context.Context, f TradeFile) error {
	call := wire.Call{Op: wire.OpLock, Method: http.MethodPost, Path: a.paths.tradeFile}
	if f.TradeCode == customsCode && f.CustomsDeclarationNo == "" {
		return a.wire.Error(call, fx.Final, "request",
			fmt.Errorf("trade file %q: CustomsDeclarationNo is mandatory for tradeCode %s", f.ID, customsCode))
	}
	var answer struct {
		ID string `json:"tradeFileId"`
	}
	if err := a.send(ctx, call, f, &answer); err != nil {
		return err
	}
	if answer.ID != f.ID {
		return a.wire.Fail(call, "malformed", fmt.Errorf("answer is of trade file %q, not %q", answer.ID, f.ID))
	}
	return nil
}
