package money

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Amount is a sum of money: whole minor units of a currency. The zero value is no money in no currency.
type Amount struct {
	minor    int64
	currency Currency
}

// FromMinor makes an Amount of minor units (cents, fen, yen) of c.
func FromMinor(minor int64, c Currency) Amount { return Amount{minor: minor, currency: c} }

// Zero is no money in c.
func Zero(c Currency) Amount { return Amount{currency: c} }

// Minor is the amount in minor units.
func (a Amount) Minor() int64 { return a.minor }

// Currency is what the amount is in.
func (a Amount) Currency() Currency { return a.currency }

// IsZero reports whether there is no money in a, in whichever currency.
func (a Amount) IsZero() bool { return a.minor == 0 }

// IsPositive reports whether a is more than nothing.
func (a Amount) IsPositive() bool { return a.minor > 0 }

// IsNegative reports whether a is less than nothing.
func (a Amount) IsNegative() bool { return a.minor < 0 }

// Neg is the amount with its sign turned. The smallest int64 has no opposite and panics nowhere: it is an error in
// every constructor that reads outside input, so it cannot get here.
func (a Amount) Neg() Amount { return Amount{minor: -a.minor, currency: a.currency} }

// Add is a+b. It fails with a CurrencyMismatchError or an OverflowError.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.currency != b.currency {
		return Amount{}, &CurrencyMismatchError{Want: a.currency, Got: b.currency}
	}
	s := a.minor + b.minor
	if (s > a.minor) != (b.minor > 0) && b.minor != 0 {
		return Amount{}, &OverflowError{Op: fmt.Sprintf("%s + %s", a, b)}
	}
	return Amount{minor: s, currency: a.currency}, nil
}

// Sub is a-b. It fails as Add does.
func (a Amount) Sub(b Amount) (Amount, error) {
	if b.minor == math.MinInt64 {
		return Amount{}, &OverflowError{Op: fmt.Sprintf("%s - %s", a, b)}
	}
	return a.Add(b.Neg())
}

// Cmp is -1, 0 or +1 as a is less than, equal to or more than b. It fails with a CurrencyMismatchError.
func (a Amount) Cmp(b Amount) (int, error) {
	if a.currency != b.currency {
		return 0, &CurrencyMismatchError{Want: a.currency, Got: b.currency}
	}
	return cmp.Compare(a.minor, b.minor), nil
}

// ParseAmount reads a plain decimal ("1250.5", "1250.50") as an amount in c. It refuses signs, exponents, blanks,
// separators, more digits than the currency has, and more than 18 digits in all (the ISO 20022 bound).
func ParseAmount(s string, c Currency) (Amount, error) {
	fail := func(why string) (Amount, error) {
		return Amount{}, &ParseError{What: "amount", Value: s, Why: why}
	}
	digits, ok := c.digits()
	if !ok {
		return fail(fmt.Sprintf("%q is not an ISO 4217 currency in use", string(c)))
	}
	whole, frac, dot := strings.Cut(s, ".")
	if whole == "" || (dot && frac == "") {
		return fail("want digits, optionally a point and more digits")
	}
	if len(frac) > digits {
		return fail(fmt.Sprintf("%s has %d decimal places", c, digits))
	}
	if len(whole)+digits > 18 {
		return fail("more than 18 digits")
	}
	var minor int64
	for _, part := range [2]string{whole, frac} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return fail("want digits, optionally a point and more digits")
			}
			minor = minor*10 + int64(part[i]-'0')
		}
	}
	for range digits - len(frac) {
		minor *= 10
	}
	return Amount{minor: minor, currency: c}, nil
}

// Decimal writes the number alone, with as many decimal places as the currency has: "1250.50".
func (a Amount) Decimal() string {
	var buf [32]byte
	return string(a.AppendDecimal(buf[:0]))
}

// AppendDecimal appends to b what Decimal writes.
func (a Amount) AppendDecimal(b []byte) []byte {
	digits, _ := a.currency.digits()
	return appendDecimal(b, a.minor, digits)
}

// String writes the amount for people: "1250.50 USD".
func (a Amount) String() string { return a.Decimal() + " " + string(a.currency) }

func appendDecimal(b []byte, minor int64, digits int) []byte {
	u := uint64(minor)
	if minor < 0 {
		b = append(b, '-')
		u = -u
	}
	var buf [24]byte
	s := strconv.AppendUint(buf[:0], u, 10)
	if digits == 0 {
		return append(b, s...)
	}
	if len(s) <= digits {
		b = append(b, '0', '.')
		for range digits - len(s) {
			b = append(b, '0')
		}
		return append(b, s...)
	}
	b = append(b, s[:len(s)-digits]...)
	b = append(b, '.')
	return append(b, s[len(s)-digits:]...)
}
