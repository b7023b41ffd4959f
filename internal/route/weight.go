package route

import "math/bits"

// Weighted choices are made by weighted rendezvous hashing: each provider draws a number from the payment's identity and its own
// name, and the lowest -log(u)/weight is first. So each gets its share, the same payment always gets the same order, and when a
// provider goes away only its own payments move.

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func hash(s string) uint64 {
	h := uint64(fnvOffset)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return mix(h)
}

// mix is the finalizer of splitmix64: every bit of the result hangs on every bit of h.
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

// logs holds log2(1 + i/256) in units of 2^-32.
var logs = func() (t [257]uint64) {
	for i := range t {
		// By squaring: each time the square passes two, the next bit of the logarithm is set.
		x := uint64(1<<31) + uint64(i)<<23
		if i == 256 {
			t[i] = 1 << 32
			continue
		}
		for bit := 31; bit >= 0; bit-- {
			hi, lo := bits.Mul64(x, x)
			x = hi<<33 | lo>>31
			if x >= 1<<32 {
				x >>= 1
				t[i] |= 1 << bit
			}
		}
	}
	return t
}()

// minusLog2 is -log2(u/2^64) in units of 2^-32, for u > 0: at most 64 × 2^32.
func minusLog2(u uint64) uint64 {
	zeros := bits.LeadingZeros64(u)
	frac := u << (zeros + 1)
	i := frac >> 56
	// Linear between the table's points.
	rest := (frac << 8) >> 32
	log := logs[i] + (logs[i+1]-logs[i])*rest>>32
	return uint64(zeros+1)<<32 - log
}

// draw is a provider's place for a payment: lower is first. A weight of zero or less comes after all others.
func draw(payment, provider uint64, weight int64) int64 {
	u := mix(payment ^ provider)
	if weight <= 0 {
		return 1<<63 - 1 - int64(u>>40)
	}
	return int64(minusLog2(u|1) << 24 / uint64(weight))
}
