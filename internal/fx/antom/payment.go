package antom

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/wire"
	"qiantang.dev/rails/internal/money"
)

type quote struct {
	ID         string    `json:"quoteId"`
	Pair       string    `json:"quoteCurrencyPair"`
	Price      wire.Text `json:"quotePrice"`
	Expires    string    `json:"quoteExpiryTime"`
	Guaranteed bool      `json:"guaranteed"`
}

// terms reads the quote's rate for selling from and buying to, and its expiry.
func (q quote) terms(from, to money.Currency) (rate money.Rate, expires time.Time, err error) {
	if rate, err = q.Price.Rate(); err != nil {
		return rate, expires, err
	}
	switch q.Pair {
	case string(from) + "/" + string(to):
	case string(to) + "/" + string(from):
		if rate, err = rate.Inverse(money.MaxRateScale); err != nil {
			return rate, expires, err
		}
	default:
		return rate, expires, fmt.Errorf("quoteCurrencyPair %q is not of %s and %s", q.Pair, from, to)
	}
	if expires, err = time.Parse(time.RFC3339, q.Expires); err != nil {
		return rate, expires, fmt.Errorf("quoteExpiryTime %q is not RFC 3339", q.Expires)
	}
	return rate, expires, nil
}

// Quote inquires the rate, which is indicative: Lock makes it firm for an amount.
func (a *Adapter) Quote(ctx context.Context, q fx.QuoteRequest) (fx.Quote, error) {
	if same, ok := fx.SameCurrency(a.name, q); ok {
		return same, nil
	}
	from, to := q.Sell.Currency(), q.Buy.Currency()
	call := wire.Call{Op: wire.OpQuote, Path: a.paths.rate}
	type condition struct {
		Sell string `json:"sellCurrency"`
		Buy  string `json:"buyCurrency"`
	}
	var answer struct {
		results
		Quotes []quote `json:"quoteList"`
	}
	err := a.send(ctx, call, map[string][]condition{"rateConditionList": {{Sell: string(from), Buy: string(to)}}}, &answer)
	if err != nil {
		return fx.Quote{}, err
	}
	if len(answer.Quotes) != 1 {
		return fx.Quote{}, a.wire.Fail(call, "malformed", fmt.Errorf("%d quotes for one condition", len(answer.Quotes)))
	}
	rate, expires, err := answer.Quotes[0].terms(from, to)
	if err != nil {
		return fx.Quote{}, a.wire.Fail(call, "malformed", err)
	}
	sell, buy, err := fx.Price(q, rate)
	if err != nil {
		return fx.Quote{}, a.wire.Error(call, fx.Final, "amount", err)
	}
	return fx.Quote{Provider: a.name, Sell: sell, Buy: buy, Rate: rate, Fee: money.Zero(from), Expires: fx.Bound(expires, q.Latest),
		Reusable: true}, nil
}

type quoteRequest struct {
	SellAmount   *amount `json:"sellAmount,omitempty"`
	SellCurrency string  `json:"sellCurrency"`
	BuyCurrency  string  `json:"buyCurrency"`
	TradeType    string  `json:"exchangeTradeType"`
}

// Lock creates a quote for what is sold. Its price is the provider's of now, which may not be the inquired one: the caller compares.
func (a *Adapter) Lock(ctx context.Context, q fx.Quote) (fx.Quote, error) {
	call := wire.Call{Op: wire.OpLock, Path: a.paths.quote}
	if !q.Expires.IsZero() && !a.now().Before(q.Expires) {
		return fx.Quote{}, a.wire.Error(call, fx.Retryable, "expired", errors.New("the quote expired"))
	}
	if !q.Converts() || q.Guaranteed {
		return q, nil
	}
	var answer struct {
		results
		Quote quote  `json:"quote"`
		Sell  amount `json:"sellAmount"`
		Buy   amount `json:"buyAmount"`
	}
	err := a.send(ctx, call, quoteRequest{SellAmount: toAmount(q.Sell), SellCurrency: string(q.Sell.Currency()),
		BuyCurrency: string(q.Buy.Currency()), TradeType: "SPOT"}, &answer)
	if err != nil {
		return fx.Quote{}, err
	}
	rate, expires, err := answer.Quote.terms(q.Sell.Currency(), q.Buy.Currency())
	if err != nil {
		return fx.Quote{}, a.wire.Fail(call, "malformed", err)
	}
	sell, err := answer.Sell.money()
	if err != nil {
		return fx.Quote{}, a.wire.Fail(call, "malformed", err)
	}
	buy, err := answer.Buy.money()
	if err != nil {
		return fx.Quote{}, a.wire.Fail(call, "malformed", err)
	}
	if want, err := sell.Convert(rate, q.Buy.Currency(), money.HalfUp); err != nil || sell != q.Sell || buy != want || answer.Quote.ID == "" {
		return fx.Quote{}, a.wire.Fail(call, "amount", fmt.Errorf("quote sells %s for %s at %s, asked to sell %s", sell, buy, rate, q.Sell))
	}
	return fx.Quote{Provider: a.name, ID: answer.Quote.ID, Sell: sell, Buy: buy, Rate: rate, Fee: q.Fee,
		Expires: fx.Bound(expires, q.Expires), Guaranteed: true}, nil
}

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

// purpose is Antom's code for an ISO 20022 purpose: the parameter's, or the ISO code as it is.
func (a *Adapter) purpose(iso string) string {
	if code, ok := a.purposes[iso]; ok {
		return code
	}
	return iso
}

// Query inquires the payout by our ID.
func (a *Adapter) Query(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	call := wire.Call{Op: wire.OpQuery, Path: a.paths.inquire}
	var answer transfer
	err := a.send(ctx, call, map[string]string{"transferRequestId": i.ID}, &answer)
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
		if err != nil {
			return fx.Status{}, a.wire.Fail(call, "malformed", err)
		}
		if paid != i.Quote.Buy {
			return fx.Status{}, a.wire.Fail(call, "amount", fmt.Errorf("paid %s, instructed %s", paid, i.Quote.Buy))
		}
		s.Outcome, s.Paid, s.Message = fx.Succeeded, paid, ""
	case r.Status == "F":
		s.Outcome = fx.Failed
	case r.Status == "U" && r.Code == codeInProcess:
		s.Outcome = fx.Pending
	default:
		s.Outcome = fx.Unknown
	}
	return s, nil
}
