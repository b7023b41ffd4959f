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
