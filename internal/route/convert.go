package route

import (
	"math"
	"math/bits"

	"qiantang.dev/rails/internal/money"
)

// A choice compares many rates at once, so it holds them as integers in units of 10^-money.MaxRateScale, which is exact.

var pow10 = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16}

// converter turns minor units of one currency into another's at a fixed-point rate.
type converter struct{ div uint64 }

func newConverter(from, to money.Currency) converter {
	return converter{div: pow10[money.MaxRateScale+from.Digits()-to.Digits()]}
}

// convert is minor × rate rounded half up, as money.Amount.Convert does it with HalfUp, for minor >= 0; false where it does not fit.
func (c converter) convert(minor, rate int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(minor), uint64(rate))
	if hi >= c.div {
		return 0, false
	}
	q, rem := bits.Div64(hi, lo, c.div)
	if rem >= c.div-rem {
		q++
	}
	return int64(q), q <= math.MaxInt64
}

// spreadBps is how much worse rate is than ref, in basis points of ref, rounded half to even.
func spreadBps(rate, ref int64) int64 {
	diff, sign := ref-rate, int64(1)
	if diff < 0 {
		diff, sign = -diff, -1
	}
	hi, lo := bits.Mul64(uint64(diff), 10000)
	if hi >= uint64(ref) {
		return sign * math.MaxInt64
	}
	q, rem := bits.Div64(hi, lo, uint64(ref))
	if rest := uint64(ref) - rem; rem > rest || (rem == rest && q%2 == 1) {
		q++
	}
	return sign * int64(min(q, math.MaxInt64))
}

// beyondCap reports whether rate is worse than ref by more than bps basis points, exactly.
func beyondCap(rate, ref, bps int64) bool {
	if rate >= ref {
		return false
	}
	hi, lo := bits.Mul64(uint64(ref-rate), 10000)
	capHi, capLo := bits.Mul64(uint64(ref), uint64(bps))
	return hi > capHi || (hi == capHi && lo > capLo)
}

// product is the rate of two legs together, rounded down; false where it does not fit.
func product(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi >= pow10[money.MaxRateScale] {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, pow10[money.MaxRateScale])
	return int64(q), q <= math.MaxInt64 && q > 0
}

// rateOf writes a fixed-point rate as a money.Rate, to nine places.
func rateOf(fixed int64) (money.Rate, error) {
	return money.ParseRate(decimalText(fixed))
}

func decimalText(fixed int64) string {
	const places = 9
	n := fixed / 1000
	digits := make([]byte, 0, 24)
	for i := 0; n > 0 || i <= places; i++ {
		if i == places {
			digits = append(digits, '.')
		}
		digits = append(digits, byte('0'+n%10))
		n /= 10
	}
	for i, j := 0, len(digits)-1; i < j; i, j = i+1, j-1 {
		digits[i], digits[j] = digits[j], digits[i]
	}
	return string(digits)
}
