package route

import (
	"math/bits"
	"time"
)

// Health is what the router knows of a provider now. The zero value is a provider in good health.
type Health struct {
	// Down providers are not routed to: the circuit is open. Reason is for people.
	Down   bool
	Reason string
	// FailureBps is the share of failures of late, in basis points: see Tally.
	FailureBps int64
	// Latency is how long the provider takes to instruct the rail, of late.
	Latency time.Duration
}

// Tally counts a provider's successes and failures, and forgets them: what happened one half-life ago counts half. The zero value
// knows nothing. It is a value, so that its keeper may copy it under a lock of its own.
type Tally struct {
	ok, failed uint64 // in units of one
	at         time.Time
}

// one is an observation in fixed point.
const one = 1 << 20

// Observe is the tally after one more outcome.
func (t Tally) Observe(success bool, now time.Time, halfLife time.Duration) Tally {
	t = t.decayed(now, halfLife)
	if success {
		t.ok += one
	} else {
		t.failed += one
	}
	return t
}

// FailureBps is the share of failures as of now, in basis points. It begins, and as time passes ends, at none: a provider that was
// not asked for long is worth asking again.
func (t Tally) FailureBps(now time.Time, halfLife time.Duration) int64 {
	t = t.decayed(now, halfLife)
	total := t.ok + t.failed + one
	hi, lo := bits.Mul64(t.failed, 10000)
	q, _ := bits.Div64(hi, lo, total)
	return int64(q)
}

func (t Tally) decayed(now time.Time, halfLife time.Duration) Tally {
	elapsed := now.Sub(t.at)
	if t.at.IsZero() || elapsed <= 0 || halfLife <= 0 {
		if t.at.IsZero() {
			t.at = now
		}
		return t
	}
	t.ok, t.failed, t.at = halve(t.ok, elapsed, halfLife), halve(t.failed, elapsed, halfLife), now
	return t
}

// halve is n × 2^(-elapsed/halfLife), linear between whole half-lives.
func halve(n uint64, elapsed, halfLife time.Duration) uint64 {
	whole := uint64(elapsed / halfLife)
	if whole > 63 {
		return 0
	}
	n >>= whole
	hi, lo := bits.Mul64(n, uint64(elapsed%halfLife))
	part, _ := bits.Div64(hi, lo, 2*uint64(halfLife))
	return n - part
}
