package sim

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"

	"qiantang.dev/rails/internal/plan"
)

// Faults are how a provider misbehaves. Shares are in basis points: 100 is 1 % of requests.
type Faults struct {
	// Latency of every answer, plus up to Jitter.
	Latency plan.Duration `json:"latency"`
	Jitter  plan.Duration `json:"jitter"`
	// SpreadBps is how much worse than mid its rates are.
	SpreadBps int64 `json:"spreadBps"`
	// ErrorBps of requests are answered with an error before anything is done.
	ErrorBps int64 `json:"errorBps"`
	// RefuseBps of payouts are taken and then fail: nobody is paid.
	RefuseBps int64 `json:"refuseBps"`
	// UnknownBps of payouts lose their answer; half of those were taken.
	UnknownBps int64 `json:"unknownBps"`
	// SlowBps of answers take Slow longer.
	SlowBps int64         `json:"slowBps"`
	Slow    plan.Duration `json:"slow"`
	// LateBps of payouts are confirmed only after Late.
	LateBps int64         `json:"lateBps"`
	Late    plan.Duration `json:"late"`
	// MalformedBps of answers are not what was agreed: cut short, not JSON, or huge.
	MalformedBps int64 `json:"malformedBps"`
	// BadSignatureBps of signed answers and webhooks carry another's signature.
	BadSignatureBps int64 `json:"badSignatureBps"`
	// Outage refuses everything with 503.
	Outage bool `json:"outage"`
}

func (f Faults) check(name string) error {
	for field, v := range map[string]int64{"errorBps": f.ErrorBps, "refuseBps": f.RefuseBps, "unknownBps": f.UnknownBps, "slowBps": f.SlowBps,
		"lateBps": f.LateBps, "malformedBps": f.MalformedBps, "badSignatureBps": f.BadSignatureBps} {
		if v < 0 || v > 10000 {
			return fmt.Errorf("faults of %s: %s %d: want 0 to 10000", name, field, v)
		}
	}
	if f.SpreadBps < -5000 || f.SpreadBps > 5000 {
		return fmt.Errorf("faults of %s: spreadBps %d: want -5000 to 5000", name, f.SpreadBps)
	}
	for field, d := range map[string]plan.Duration{"latency": f.Latency, "jitter": f.Jitter, "slow": f.Slow, "late": f.Late} {
		if d < 0 || d.D() > 24*time.Hour {
			return fmt.Errorf("faults of %s: %s %s: want 0s to 24h", name, field, d.D())
		}
	}
	return nil
}

func unknownProvider(name string) error {
	return fmt.Errorf("faults: provider %q is not known: want pingpong, lianlian, antom, openfx or clearing", name)
}

// SetFaults replaces a provider's faults.
func (s *Simulator) SetFaults(provider string, f Faults) error {
	if err := f.check(provider); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.faults[provider]; !ok {
		return unknownProvider(provider)
	}
	s.faults[provider] = f
	return nil
}

// FaultsOf is how a provider misbehaves now.
func (s *Simulator) FaultsOf(provider string) Faults {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.faults[provider]
}

// dice throws for one provider, kind of fault and key: a number below 10000 that is the same for the same seed and attempt.
func (s *Simulator) dice(provider, kind, key string, attempt uint64) int64 {
	h := fnv.New64a()
	var n [16]byte
	binary.LittleEndian.PutUint64(n[:8], s.options.Seed)
	binary.LittleEndian.PutUint64(n[8:], attempt)
	_, _ = h.Write(n[:])
	_, _ = h.Write([]byte(provider + "\x00" + kind + "\x00" + key))
	// FNV mixes its last bytes weakly into the high bits; one round of a finaliser spreads them.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return int64(x % 10000)
}
