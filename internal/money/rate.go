package money

import (
	"fmt"
	"math/bits"

	"github.com/govalues/decimal"
)

// MaxRateScale is the most decimal places a Rate may have. Providers quote up to 9 (PingPong); 12 leaves room for
// inverse rates of currencies with small units, and keeps every conversion exact in 128 bits.
const MaxRateScale = 12

// Rate is a price: units of the quote currency for one unit of the base currency, in major units. It is a decimal,
// positive, with at most MaxRateScale decimal places. The zero value is no rate.
type Rate struct{ d decimal.Decimal }

// ParseRate reads a positive plain decimal with at most MaxRateScale decimal places and 18 digits.
func ParseRate(s string) (Rate, error) {
	d, err := decimal.Parse(s)
	if err != nil {
		return Rate{}, &ParseError{What: "rate", Value: s, Why: "not a decimal"}
	}
	// decimal.Parse rounds silently past 19 digits: refuse what it could have rounded.
	digits := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			digits++
		} else if s[i] != '.' {
			return Rate{}, &ParseError{What: "rate", Value: s, Why: "want digits, optionally a point and more digits"}
		}
	}
	switch {
	case digits > 18:
		return Rate{}, &ParseError{What: "rate", Value: s, Why: "more than 18 digits"}
	case !d.IsPos():
		return Rate{}, &ParseError{What: "rate", Value: s, Why: "must be more than zero"}
	case d.Trim(0).Scale() > MaxRateScale:
		return Rate{}, &ParseError{What: "rate", Value: s, Why: fmt.Sprintf("more than %d decimal places", MaxRateScale)}
	}
	return Rate{d: d.Trim(0)}, nil
}

// IsZero reports whether r is no rate at all.
func (r Rate) IsZero() bool { return r.d.IsZero() }

// String writes the rate as a plain decimal.
func (r Rate) String() string { return r.d.String() }

// Fixed is r in units of 10^-MaxRateScale, exactly; false where that does not fit 64 bits (rates above 9 million).
func (r Rate) Fixed() (int64, bool) {
	hi, lo := bits.Mul64(r.d.Coef(), pow10[MaxRateScale-r.d.Scale()])
	return int64(lo), hi == 0 && lo <= 1<<63-1
}

// Cmp is -1, 0 or +1 as r is less than, equal to or more than o.
func (r Rate) Cmp(o Rate) int { return r.d.Cmp(o.d) }

// Div is r/o rounded half to even at scale decimal places (at most MaxRateScale): the cross rate of two rates against one base.
func (r Rate) Div(o Rate, scale int) (Rate, error) {
	if scale > MaxRateScale {
		return Rate{}, &ParseError{What: "scale", Value: fmt.Sprint(scale), Why: fmt.Sprintf("more than %d", MaxRateScale)}
	}
	q, err := r.d.Quo(o.d)
	if err != nil {
		return Rate{}, fmt.Errorf("rate %s / %s: %w", r, o, err)
	}
	return checked(q.Round(scale), fmt.Sprintf("%s / %s", r, o))
}

// Inverse is 1/r rounded half to even at scale decimal places.
func (r Rate) Inverse(scale int) (Rate, error) { return Rate{d: decimal.One}.Div(r, scale) }

// ShiftBps is r × (10000+bps)/10000, rounded half to even at scale decimal places: a rate made better or worse by basis points.
func (r Rate) ShiftBps(bps int64, scale int) (Rate, error) {
	f, err := decimal.New(10000+bps, 4)
	if err != nil {
		return Rate{}, &OverflowError{Op: fmt.Sprintf("%s shifted by %d bps", r, bps)}
	}
	p, err := r.d.Mul(f)
	if err != nil {
		return Rate{}, fmt.Errorf("rate %s shifted by %d bps: %w", r, bps, err)
	}
	return checked(p.Round(min(scale, MaxRateScale)), fmt.Sprintf("%s shifted by %d bps", r, bps))
}

// SpreadBps says how much worse r is than ref, in basis points of ref, rounded half to even; negative where r is better.
func (r Rate) SpreadBps(ref Rate) (int64, error) {
	diff, err := ref.d.Sub(r.d)
	if err != nil {
		return 0, &OverflowError{Op: fmt.Sprintf("spread of %s against %s", r, ref)}
	}
	q, err := diff.Quo(ref.d)
	if err != nil {
		return 0, fmt.Errorf("spread of %s against %s: %w", r, ref, err)
	}
	whole, _, ok := q.Round(4).Int64(4)
	_, frac, _ := q.Round(4).Int64(4)
	if !ok || whole > 1<<40 || whole < -(1<<40) {
		return 0, &OverflowError{Op: fmt.Sprintf("spread of %s against %s", r, ref)}
	}
	return whole*10000 + frac, nil
}

func checked(d decimal.Decimal, what string) (Rate, error) {
	if !d.IsPos() {
		return Rate{}, &OverflowError{Op: what + ": rounds to nothing"}
	}
	d = d.Trim(0)
	if d.Scale() > MaxRateScale {
		return Rate{}, &OverflowError{Op: what}
	}
	return Rate{d: d}, nil
}

// MarshalText writes the rate as a plain decimal, so that JSON carries it as a string.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote, as strictly as ParseRate; "0" is no rate.
func (r *Rate) UnmarshalText(b []byte) error {
	if string(b) == "0" || len(b) == 0 {
		*r = Rate{}
		return nil
	}
	v, err := ParseRate(string(b))
	if err == nil {
		*r = v
	}
	return err
}

// Convert is a × r in currency to, exactly computed and rounded once, as named.
func (a Amount) Convert(r Rate, to Currency, rounding Rounding) (Amount, error) {
	fromDigits, ok := a.currency.digits()
	if !ok {
		return Amount{}, &ParseError{What: "currency", Value: string(a.currency), Why: "not an ISO 4217 currency in use"}
	}
	toDigits, ok := to.digits()
	if !ok {
		return Amount{}, &ParseError{What: "currency", Value: string(to), Why: "not an ISO 4217 currency in use"}
	}
	return a.mulDiv(r.d.Coef(), r.d.Scale()+fromDigits-toDigits, to, rounding, func() string {
		return fmt.Sprintf("%s at %s in %s", a, r, to)
	})
}

// Bps is the share of a that bps basis points (1/10000) are, rounded as named.
func (a Amount) Bps(bps int64, rounding Rounding) (Amount, error) {
	if bps < 0 {
		return Amount{}, &ParseError{What: "basis points", Value: fmt.Sprint(bps), Why: "negative"}
	}
	return a.mulDiv(uint64(bps), 4, a.currency, rounding, func() string { return fmt.Sprintf("%d bps of %s", bps, a) })
}

var pow10 = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// mulDiv is a × factor / 10^exp in whole minor units of to.
func (a Amount) mulDiv(factor uint64, exp int, to Currency, rounding Rounding, what func() string) (Amount, error) {
	u, negative := uint64(a.minor), a.minor < 0
	if negative {
		u = -u
	}
	hi, lo := bits.Mul64(u, factor)
	var q, rem uint64
	div := uint64(1)
	if exp <= 0 {
		if hi != 0 {
			return Amount{}, &OverflowError{Op: what()}
		}
		if hi, q = bits.Mul64(lo, pow10[-exp]); hi != 0 {
			return Amount{}, &OverflowError{Op: what()}
		}
	} else {
		div = pow10[exp]
		if hi >= div {
			return Amount{}, &OverflowError{Op: what()}
		}
		q, rem = bits.Div64(hi, lo, div)
	}
	if rounding.up(q, rem, div) {
		q++
	}
	if q > 1<<63-1 {
		return Amount{}, &OverflowError{Op: what()}
	}
	m := int64(q)
	if negative {
		m = -m
	}
	return Amount{minor: m, currency: to}, nil
}
