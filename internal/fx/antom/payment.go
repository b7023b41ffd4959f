package antom

import (
	"context"
	"errors"
	"fmt"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/wire"
)

type transferFrom struct {
	Amount *amount `json:"transferFromAmount"`
}

type transferMethod struct {
	Type     string   `json:"paymentMethodType"`
	MetaData metaData `json:"paymentMethodMetaData"`
}

type metaData struct {
	Name       string `json:"beneficiaryName"`
	Country    string `json:"beneficiaryCountry"`
	Account    string `json:"accountNo"`
	BIC        string `json:"bankBIC,omitempty"`
	BranchCode string `json:"branchCode,omitempty"`
	Town       string `json:"town,omitempty"`
	Street     string `json:"street,omitempty"`
	PostCode   string `json:"postCode,omitempty"`
	Network    string `json:"network,omitempty"`
}

type transferTo struct {
	Currency string         `json:"transferToCurrency"`
	Amount   *amount        `json:"transferToAmount"`
	Method   transferMethod `json:"transferToMethod"`
	Purpose  string         `json:"purposeCode"`
	Notes    string         `json:"transferNotes,omitempty"`
}

type payoutRequest struct {
	ID    string       `json:"transferRequestId"`
	Quote *quoteRef    `json:"transferQuote,omitempty"`
	From  transferFrom `json:"transferFromDetail"`
	To    transferTo   `json:"transferToDetail"`
	Ref   string       `json:"referenceTransferId,omitempty"`
}

type quoteRef struct {
	ID string `json:"quoteId"`
}

type transfer struct {
	results
	// TransferResult is the payout's own result in the answer to an inquiry, whose Result is the inquiry's.
	TransferResult *result `json:"transferResult"`
	RequestID      string  `json:"transferRequestId"`
	ID             string  `json:"transferId"`
	To             struct {
		Actual *amount `json:"actualTransferToAmount"`
	} `json:"transferToDetail"`
}

// Pay creates the payout.
func (a *Adapter) Pay(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpPay, Moves: true, Path: a.paths.payout}
	b := i.Beneficiary
	request := payoutRequest{ID: i.ID, Ref: i.UETR, From: transferFrom{Amount: toAmount(i.Quote.Sell)},
		To: transferTo{Currency: string(i.Quote.Buy.Currency()), Amount: toAmount(i.Quote.Buy), Purpose: a.purpose(i.Purpose), Notes: i.Remittance,
			Method: transferMethod{Type: "BANK_ACCOUNT_DETAIL", MetaData: metaData{Name: b.Name, Country: b.Country, Account: b.Account,
				BIC: b.AgentBIC, BranchCode: b.CNAPS, Town: b.Town, Street: b.Street, PostCode: b.PostCode, Network: i.Rail}}}}
	if i.Quote.Converts() {
		request.Quote = &quoteRef{ID: i.Quote.ID}
	}
	return a.instruct(ctx, call, i, request)
}

// instruct sends what moves money. Of the unknown results only "in process" says that it was taken.
func (a *Adapter) instruct(ctx context.Context, call wire.Call, i fx.Instruction, request any) (fx.Status, error) {
	var answer transfer
	err := a.send(ctx, call, request, &answer)
	var e *fx.Error
	if errors.As(err, &e) && e.Class == fx.Uncertain && e.Code == codeInProcess {
		return fx.Status{Outcome: fx.Pending, ProviderRef: answer.ID, Code: codeInProcess}, nil
	}
	if err != nil {
		return fx.Status{}, err
	}
	return a.status(call, i, answer, answer.Result)
}

type exchangeRequest struct {
	ID      string  `json:"exchangeRequestId"`
	Mode    string  `json:"exchangeMode"`
	QuoteID string  `json:"quoteId"`
	Sell    *amount `json:"sellAmount"`
	Buy     *amount `json:"buyAmount"`
}

// Convert creates an exchange between our balances at a locked quote.
func (a *Adapter) Convert(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpPay, Moves: true, Path: a.paths.exchange}
	return a.instruct(ctx, call, i, exchangeRequest{ID: i.ID, Mode: "QUOTE", QuoteID: i.Quote.ID, Sell: toAmount(i.Quote.Sell), Buy: toAmount(i.Quote.Buy)})
}

// QueryConversion inquires an exchange by our ID.
func (a *Adapter) QueryConversion(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpQuery, Path: a.paths.inquireExchange}
	return a.inquire(ctx, call, i, map[string]string{"exchangeRequestId": i.ID})
}

// purpose is Antom's code for an ISO 20022 purpose: the parameter's, or the ISO code as it is.
func (a *Adapter) purpose(iso string) string {
	if code, ok := a.purposes[iso]; ok {
		return code
	}
	return iso
}

// Query inquires the payout by our ID.
func (a *Adapter) Query(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	return a.inquire(ctx, wire.Call{Op: wire.OpQuery, Path: a.paths.inquire}, i, map[string]string{"transferRequestId": i.ID})
}

func (a *Adapter) inquire(ctx context.Context, call wire.Call, i fx.Instruction, request any) (fx.Status, error) {
	var answer transfer
	err := a.send(ctx, call, request, &answer)
	var e *fx.Error
	if errors.As(err, &e) && e.Code == codeNotExist && answer.Result.Status == "F" {
		return fx.Status{Outcome: fx.NotFound}, nil
	}
	if err != nil {
		return fx.Status{}, err
	}
	if answer.TransferResult == nil {
		return fx.Status{}, a.wire.Fail(call, "malformed", errors.New("no transferResult"))
	}
	return a.status(call, i, answer, *answer.TransferResult)
}

func (a *Adapter) status(call wire.Call, i fx.Instruction, t transfer, r result) (fx.Status, error) {
	if t.RequestID != i.ID {
		return fx.Status{}, a.wire.Fail(call, "malformed", fmt.Errorf("answer is of transfer %q, not %q", t.RequestID, i.ID))
	}
	s := fx.Status{ProviderRef: t.ID, Code: r.Code, Message: a.wire.Scrub(r.Message)}
	switch {
	case r.Status == "S":
		if t.To.Actual == nil {
			return fx.Status{}, a.wire.Fail(call, "malformed", errors.New("no actualTransferToAmount"))
		}
		paid, err := t.To.Actual.money()
		s.Message = ""
		return a.wire.Succeeded(call, s, i.Quote.Buy, paid, err)
	case r.Status == "F":
		s.Outcome = fx.Failed
	case r.Status == "U" && r.Code == codeInProcess:
		s.Outcome = fx.Pending
	default:
		s.Outcome = fx.Unknown
	}
	return s, nil
}
