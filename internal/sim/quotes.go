package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"qiantang.dev/rails/internal/money"
)

// terms are what a rate or quote ID stands for. The ID carries them, sealed, so that any simulator with the same keys can check it and
// nothing needs to be remembered.
type terms struct {
	provider  string
	sell, buy money.Amount // no amounts: for any
	rate      money.Rate
	expires   time.Time
	serial    uint64
}

// rateOf is the provider's rate now.
func (s *Simulator) rateOf(provider string, sell, buy money.Currency) (money.Rate, error) {
	mid, err := s.market.Mid(sell, buy)
	if err != nil {
		return mid, err
	}
	return mid.ShiftBps(-s.FaultsOf(provider).SpreadBps, 9)
}

func (s *Simulator) issue(t terms) string {
	if t.serial == 0 {
		t.serial = s.ids.Add(1)
	}
	text := strings.Join([]string{t.provider, string(t.sell.Currency()), strconv.FormatInt(t.sell.Minor(), 36), string(t.buy.Currency()),
		strconv.FormatInt(t.buy.Minor(), 36), t.rate.String(), strconv.FormatInt(t.expires.UnixMilli(), 36), strconv.FormatUint(t.serial, 36)}, "|")
	return base64.RawURLEncoding.EncodeToString(append(s.seal(text), text...))
}

const sealSize = 9

func (s *Simulator) seal(text string) []byte {
	mac := hmac.New(sha256.New, []byte(s.keys.secrets["quote-key"]))
	mac.Write([]byte(text))
	return mac.Sum(nil)[:sealSize]
}

var errQuote = errors.New("rate or quote is not known")

// redeem reads an ID that issue made. It does not look at the expiry.
func (s *Simulator) redeem(provider, id string) (terms, error) {
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(raw) <= sealSize {
		return terms{}, errQuote
	}
	text := string(raw[sealSize:])
	if !hmac.Equal(raw[:sealSize], s.seal(text)) {
		return terms{}, errQuote
	}
	parts := strings.Split(text, "|")
	if len(parts) != 8 || parts[0] != provider {
		return terms{}, errQuote
	}
	sold, err1 := strconv.ParseInt(parts[2], 36, 64)
	bought, err2 := strconv.ParseInt(parts[4], 36, 64)
	millis, err3 := strconv.ParseInt(parts[6], 36, 64)
	rate, err4 := money.ParseRate(parts[5])
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return terms{}, errQuote
	}
	return terms{provider: provider, sell: money.FromMinor(sold, money.Currency(parts[1])), buy: money.FromMinor(bought, money.Currency(parts[3])),
		rate: rate, expires: time.UnixMilli(millis)}, nil
}

var errExpired = errors.New("expired")

// deal checks that amounts are what a rate or quote says, to the minor unit, and that it is still firm.
func (s *Simulator) deal(provider, id string, sell, buy money.Amount, now time.Time) error {
	if sell.Currency() == buy.Currency() {
		if sell != buy {
			return fmt.Errorf("%s is not %s", sell, buy)
		}
		return nil
	}
	t, err := s.redeem(provider, id)
	switch {
	case err != nil:
		return err
	case !now.Before(t.expires):
		return fmt.Errorf("%w at %s", errExpired, t.expires.UTC().Format(time.RFC3339))
	case t.sell.Currency() != sell.Currency(), t.buy.Currency() != buy.Currency():
		return fmt.Errorf("it is for %s/%s, not %s/%s", t.sell.Currency(), t.buy.Currency(), sell.Currency(), buy.Currency())
	case t.sell.Minor() != 0 && (t.sell != sell || t.buy != buy):
		return fmt.Errorf("it is for %s against %s, not %s against %s", t.sell, t.buy, sell, buy)
	}
	want, err := sell.Convert(t.rate, buy.Currency(), money.HalfUp)
	if err != nil {
		return err
	}
	if buy != want {
		return fmt.Errorf("%s at %s, rounded half up, is %s, not %s", sell, t.rate, want, buy)
	}
	return nil
}

// strictAmount reads a request's amount: positive, and written with exactly the currency's digits.
func strictAmount(field, text, currency string) (money.Amount, error) {
	c, err := money.ParseCurrency(currency)
	if err != nil {
		return money.Amount{}, fmt.Errorf("%s: %w", field, err)
	}
	a, err := money.ParseAmount(text, c)
	if err != nil {
		return a, fmt.Errorf("%s: %w", field, err)
	}
	if !a.IsPositive() || a.Decimal() != text {
		return a, fmt.Errorf("%s %q: want a positive amount with %d decimal places", field, text, c.Digits())
	}
	return a, nil
}
