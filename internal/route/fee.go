package route

import (
	"fmt"

	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// tier is a fee tier in minor units of the source currency.
type tier struct {
	from, fixed money.Amount
	bps         int64
	low, high   money.Amount
	capped      bool
}

func compileTiers(list []plan.FeeTier, c money.Currency) ([]tier, error) {
	tiers := make([]tier, len(list))
	for i, t := range list {
		out := tier{bps: t.Bps}
		for _, f := range []struct {
			name, text string
			to         *money.Amount
		}{{"from", t.From, &out.from}, {"fixed", t.Fixed, &out.fixed}, {"min", t.Min, &out.low}, {"max", t.Max, &out.high}} {
			var err error
			if *f.to, err = amountOrZero(f.text, c); err != nil {
				return nil, fmt.Errorf("feeTiers[%d].%s: %w", i, f.name, err)
			}
		}
		out.capped = t.Max != ""
		switch {
		case t.Bps < 0 || t.Bps > 10000:
			return nil, fmt.Errorf("feeTiers[%d].bps %d: want 0 to 10000", i, t.Bps)
		case out.capped && out.high.Minor() < out.low.Minor():
			return nil, fmt.Errorf("feeTiers[%d]: max %s is below min %s", i, t.Max, t.Min)
		case i > 0 && out.from.Minor() <= tiers[i-1].from.Minor():
			return nil, fmt.Errorf("feeTiers[%d].from %q: does not rise", i, t.From)
		}
		tiers[i] = out
	}
	return tiers, nil
}

func amountOrZero(s string, c money.Currency) (money.Amount, error) {
	if s == "" {
		return money.Zero(c), nil
	}
	return money.ParseAmount(s, c)
}

// Fee is our fee for a payment of amount, in the source currency: fixed + basis points of the amount rounded half up, within the
// tier's bounds. It is zero where no tier begins at or below the amount. It may be more than the amount: Choose denies that.
func (c *Corridor) Fee(amount money.Amount) (money.Amount, error) {
	if amount.Currency() != c.source {
		return money.Amount{}, &money.CurrencyMismatchError{Want: c.source, Got: amount.Currency()}
	}
	for i := len(c.tiers) - 1; i >= 0; i-- {
		t := &c.tiers[i]
		if t.from.Minor() > amount.Minor() {
			continue
		}
		share, err := amount.Bps(t.bps, money.HalfUp)
		if err != nil {
			return money.Amount{}, err
		}
		fee, err := share.Add(t.fixed)
		if err != nil {
			return money.Amount{}, err
		}
		if fee.Minor() < t.low.Minor() {
			fee = t.low
		}
		if t.capped && fee.Minor() > t.high.Minor() {
			fee = t.high
		}
		return fee, nil
	}
	return money.Zero(c.source), nil
}
