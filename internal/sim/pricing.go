package sim

import (
	"fmt"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
)

// priceAntom computes the side of a quote that was not given.
func priceAntom(sold, bought *antomAmount, from, to money.Currency, rate money.Rate) (sell, buy money.Amount, err error) {
	q := fx.QuoteRequest{Sell: money.Zero(from), Buy: money.Zero(to)}
	if sold != nil {
		if q.Sell, err = sold.money("sellAmount"); err == nil && q.Sell.Currency() != from {
			err = fmt.Errorf("sellAmount is in %s, sellCurrency is %s", q.Sell.Currency(), from)
		}
	} else if q.Buy, err = bought.money("buyAmount"); err == nil && q.Buy.Currency() != to {
		err = fmt.Errorf("buyAmount is in %s, buyCurrency is %s", q.Buy.Currency(), to)
	}
	if err != nil {
		return sell, buy, err
	}
	return fx.Price(q, rate)
}
