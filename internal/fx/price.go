package fx

import (
	"fmt"
	"math"
	"time"

	"qiantang.dev/rails/internal/money"
)

// Price applies a rate to a request: the side that has no amount is computed. Buy is sell × rate, rounded half up at Buy's digits,
// as providers publish. Where Buy is asked for, Sell is the least amount that buys at least as much, and Buy is what that buys:
// a minor unit of Sell may be worth several of Buy, so Buy can be a little more than asked, never less.
func Price(q QuoteRequest, r money.Rate) (sell, buy money.Amount, err error) {
	from, to := q.Sell.Currency(), q.Buy.Currency()
	switch {
	case q.Sell.IsPositive() == q.Buy.IsPositive():
		return sell, buy, fmt.Errorf("want an amount to sell or one to buy, not %s and %s", q.Sell, q.Buy)
	case q.Sell.IsPositive():
		buy, err = q.Sell.Convert(r, to, money.HalfUp)
		return q.Sell, buy, err
	}
	high := int64(1)
	for {
		b, err := money.FromMinor(high, from).Convert(r, to, money.HalfUp)
		if err != nil {
			return sell, buy, err
		}
		if b.Minor() >= q.Buy.Minor() {
			break
		}
		if high > math.MaxInt64/2 {
			return sell, buy, &money.OverflowError{Op: fmt.Sprintf("%s bought at %s", q.Buy, r)}
		}
		high *= 2
	}
	for low := high / 2; low+1 < high; {
		mid := low + (high-low)/2
		b, err := money.FromMinor(mid, from).Convert(r, to, money.HalfUp)
		if err != nil {
			return sell, buy, err
		}
		if b.Minor() >= q.Buy.Minor() {
			high = mid
		} else {
			low = mid
		}
	}
	sell = money.FromMinor(high, from)
	buy, err = sell.Convert(r, to, money.HalfUp)
	return sell, buy, err
}

// Bound is the earlier of the provider's expiry and the caller's: no provider chooses for how long we hold a price.
func Bound(expires, latest time.Time) time.Time {
	if latest.IsZero() || (!expires.IsZero() && expires.Before(latest)) {
		return expires
	}
	return latest
}

// SameCurrency is the quote where nothing is converted: one for one, without asking anybody. ok is false where the request does
// convert, or asks for no amount.
func SameCurrency(provider string, q QuoteRequest) (quote Quote, ok bool) {
	if q.Sell.Currency() != q.Buy.Currency() || q.Sell.IsPositive() == q.Buy.IsPositive() {
		return Quote{}, false
	}
	amount := q.Sell
	if q.Buy.IsPositive() {
		amount = q.Buy
	}
	one, err := money.ParseRate("1")
	if err != nil {
		return Quote{}, false
	}
	return Quote{Provider: provider, Sell: amount, Buy: amount, Rate: one, Fee: money.Zero(amount.Currency()),
		Expires: q.Latest, Guaranteed: true, Reusable: true}, true
}

// Converts reports whether the quote has two currencies.
func (q Quote) Converts() bool { return q.Sell.Currency() != q.Buy.Currency() }
