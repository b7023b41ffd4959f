package pingpong

import (
	"context"
	"errors"
	"fmt"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/wire"
	"qiantang.dev/rails/internal/money"
)

type exchangeRequest struct {
	ClientID     string `json:"client_id"`
	OrderID      string `json:"partner_order_id"`
	SellCurrency string `json:"sell_currency"`
	SellAmount   string `json:"sell_amount"`
	BuyCurrency  string `json:"buy_currency"`
	BuyAmount    string `json:"buy_amount"`
	RateID       string `json:"rate_id"`
	Rate         string `json:"rate"`
}

type recipient struct {
	Name        string `json:"name"`
	Country     string `json:"country"`
	AccountNo   string `json:"account_no"`
	BIC         string `json:"bic,omitempty"`
	BankCode    string `json:"bank_code,omitempty"`
	Town        string `json:"town,omitempty"`
	Street      string `json:"street,omitempty"`
	PostalCode  string `json:"postal_code,omitempty"`
	BankNetwork string `json:"network,omitempty"`
}

type payoutRequest struct {
	ClientID       string    `json:"client_id"`
	OrderID        string    `json:"partner_order_id"`
	OrderType      string    `json:"order_type"`
	CalRule        string    `json:"cal_rule"`
	SourceCurrency string    `json:"source_currency"`
	TargetCurrency string    `json:"target_currency"`
	TargetAmount   string    `json:"target_amount"`
	FundingOrderID string    `json:"funding_order_id,omitempty"`
	Recipient      recipient `json:"recipient"`
	Purpose        string    `json:"purpose,omitempty"`
	Reference      string    `json:"reference,omitempty"`
	Remark         string    `json:"remark,omitempty"`
}

type order struct {
	OrderID        string    `json:"order_id"`
	Status         string    `json:"status"`
	TargetAmount   wire.Text `json:"target_amount"`
	TargetCurrency string    `json:"target_currency"`
	FailCode       string    `json:"fail_code"`
	FailReason     string    `json:"fail_reason"`
}

// Pay creates the exchange and the payout that it funds, both under i.ID.
func (a *Adapter) Pay(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpPay, Moves: true}
	funding := ""
	if i.Quote.Converts() {
		exchange, err := a.exchange(ctx, call, i)
		if err != nil {
			return fx.Status{}, err
		}
		if exchange.Status == "FAILED" {
			return fx.Status{Outcome: fx.Failed, ProviderRef: exchange.OrderID, Code: exchange.FailCode,
				Message: a.wire.Scrub(exchange.FailReason)}, nil
		}
		funding = exchange.OrderID
	}
	status, err := a.payout(ctx, call, i, funding)
	var refused *fx.Error
	if errors.As(err, &refused) && refused.Class != fx.Uncertain && funding != "" {
		// The exchange is done: what is left over at the provider is for Query to carry on, not for another provider to repeat.
		refused.Class = fx.Uncertain
	}
	return status, err
}

func (a *Adapter) exchange(ctx context.Context, call wire.Call, i fx.Instruction) (order, error) {
	call.Path = a.paths.exchange
	var o order
	err := a.send(ctx, call, exchangeRequest{ClientID: a.clientID, OrderID: i.ID,
		SellCurrency: string(i.Quote.Sell.Currency()), SellAmount: i.Quote.Sell.Decimal(),
		BuyCurrency: string(i.Quote.Buy.Currency()), BuyAmount: i.Quote.Buy.Decimal(),
		RateID: i.Quote.ID, Rate: i.Quote.Rate.String()}, &o)
	if err == nil && o.OrderID == "" {
		err = a.wire.Fail(call, "malformed", errors.New("exchange without order_id"))
	}
	return o, err
}

func (a *Adapter) payout(ctx context.Context, call wire.Call, i fx.Instruction, funding string) (fx.Status, error) {
	call.Path = a.paths.payout
	b := i.Beneficiary
	var o order
	err := a.send(ctx, call, payoutRequest{ClientID: a.clientID, OrderID: i.ID, OrderType: "RECIPIENT", CalRule: "TARGET2ORIGIN",
		SourceCurrency: string(i.Quote.Buy.Currency()), TargetCurrency: string(i.Quote.Buy.Currency()),
		TargetAmount: i.Quote.Buy.Decimal(), FundingOrderID: funding,
		Recipient: recipient{Name: b.Name, Country: b.Country, AccountNo: b.Account, BIC: b.AgentBIC, BankCode: b.CNAPS,
			Town: b.Town, Street: b.Street, PostalCode: b.PostCode, BankNetwork: i.Rail},
		Purpose: i.Purpose, Reference: i.UETR, Remark: i.Remittance}, &o)
	var refused *fx.Error
	if errors.As(err, &refused) && refused.Code == codeParameter && funding != "" {
		// Nobody is paid, for good; what the exchange bought stays on our account with the provider.
		return fx.Status{Outcome: fx.Failed, ProviderRef: funding, Code: refused.Code,
			Message: "payout refused after exchange " + funding + ": " + refused.Err.Error()}, nil
	}
	if err != nil {
		return fx.Status{}, err
	}
	return a.status(call, i, o)
}

// Query finds the payout by our ID; where there is none but the exchange was taken, it sends the payout under the same ID.
func (a *Adapter) Query(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpQuery, Path: a.paths.payoutQuery}
	ask := map[string]string{"client_id": a.clientID, "partner_order_id": i.ID}
	var paid order
	found, err := a.find(ctx, call, ask, &paid)
	if err != nil {
		return fx.Status{}, err
	}
	if found {
		return a.status(call, i, paid)
	}
	if !i.Quote.Converts() {
		return fx.Status{Outcome: fx.NotFound}, nil
	}
	call.Path = a.paths.exchangeQuery
	var exchange order
	found, err = a.find(ctx, call, ask, &exchange)
	switch {
	case err != nil:
		return fx.Status{}, err
	case !found:
		return fx.Status{Outcome: fx.NotFound}, nil
	case exchange.Status == "FAILED":
		return fx.Status{Outcome: fx.Failed, ProviderRef: exchange.OrderID, Code: exchange.FailCode,
			Message: a.wire.Scrub(exchange.FailReason)}, nil
	}
	return a.payout(ctx, call, i, exchange.OrderID)
}

// find is false where the provider says in its own words that there is no such order.
func (a *Adapter) find(ctx context.Context, call wire.Call, ask any, o *order) (bool, error) {
	err := a.send(ctx, call, ask, o)
	var e *fx.Error
	if errors.As(err, &e) && e.Code == codeNotFound {
		return false, nil
	}
	return err == nil, err
}

func (a *Adapter) status(call wire.Call, i fx.Instruction, o order) (fx.Status, error) {
	s := fx.Status{ProviderRef: o.OrderID, Code: o.Status}
	switch o.Status {
	case "PROCESSING":
		s.Outcome = fx.Pending
	case "SUCCESS":
		paid, err := o.TargetAmount.Amount(money.Currency(o.TargetCurrency))
		return a.wire.Succeeded(call, s, i.Quote.Buy, paid, err)
	case "FAILED":
		s.Outcome, s.Code, s.Message = fx.Failed, o.FailCode, a.wire.Scrub(o.FailReason)
	default:
		return fx.Status{}, a.wire.Fail(call, "status", fmt.Errorf("status %q is not known", o.Status))
	}
	return s, nil
}

// Convert creates an exchange alone.
func (a *Adapter) Convert(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpPay, Moves: true}
	o, err := a.exchange(ctx, call, i)
	if err != nil {
		return fx.Status{}, err
	}
	return a.status(call, i, o)
}

// QueryConversion finds an exchange by our ID.
func (a *Adapter) QueryConversion(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpQuery, Path: a.paths.exchangeQuery}
	var o order
	found, err := a.find(ctx, call, map[string]string{"client_id": a.clientID, "partner_order_id": i.ID}, &o)
	if err != nil || !found {
		return fx.Status{Outcome: fx.NotFound}, err
	}
	return a.status(call, i, o)
}

// Account is a balance at PingPong. Kind is AVAIL_ACCOUNT, or TEMP_ACCOUNT where funds wait for the risk review.
type Account struct {
	Kind    string
	Balance money.Amount
}

// Accounts asks /account/query.
func (a *Adapter) Accounts(ctx context.Context) ([]Account, error) {
	call := wire.Call{Op: wire.OpQuery, Path: a.paths.account}
	var answer []struct {
		Type     string    `json:"account_type"`
		Currency string    `json:"currency"`
		Balance  wire.Text `json:"balance"`
	}
	if err := a.send(ctx, call, map[string]string{"client_id": a.clientID}, &answer); err != nil {
		return nil, err
	}
	accounts := make([]Account, 0, len(answer))
	for _, x := range answer {
		balance, err := x.Balance.Amount(money.Currency(x.Currency))
		if err != nil {
			return nil, a.wire.Fail(call, "malformed", err)
		}
		if x.Type != "AVAIL_ACCOUNT" && x.Type != "TEMP_ACCOUNT" {
			return nil, a.wire.Fail(call, "malformed", fmt.Errorf("account_type %q is not known", x.Type))
		}
		accounts = append(accounts, Account{Kind: x.Type, Balance: balance})
	}
	return accounts, nil
}
