package fx

import (
	"slices"
	"sync"
	"time"
)

// Health is how a provider does, as routing sees it.
type Health struct {
	// Open: the circuit breaker lets nothing through. HalfOpen: it tries.
	Open, HalfOpen bool
	// SuccessBps is the decayed share of payments that the provider took and did not fail, in basis points; 10000 before the first.
	SuccessBps int64
	// P95 of quotes' latency; zero before there are enough.
	P95 time.Duration
	// InFlight is requests under way.
	InFlight int64
	// Requests and Failures so far; LastError is the code of the newest failure, LastFailure when.
	Requests, Failures int64
	LastError          string
	LastFailure        time.Time
}

// decay is the weight of the past in SuccessBps: one outcome moves it by 1/decay.
const decay = 32

// window is how many latencies P95 is of, enough the fewest.
const (
	window = 128
	enough = 16
)

// track keeps a provider's Health.
type track struct {
	mu        sync.Mutex
	health    Health
	latencies [window]time.Duration
	n         int
}

func newTrack() *track { return &track{health: Health{SuccessBps: 10000}} }

// latency takes a quote's. The percentile is computed anew every few.
func (t *track) latency(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.latencies[t.n%window] = d
	t.n++
	if t.n < enough || t.n%8 != 0 {
		return
	}
	sorted := slices.Clone(t.latencies[:min(t.n, window)])
	slices.Sort(sorted)
	t.health.P95 = sorted[len(sorted)*95/100]
}

// outcome takes what became of a payment: counted where it is known whether the provider did its part.
func (t *track) outcome(ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var now int64
	if ok {
		now = 10000
	}
	t.health.SuccessBps += (now - t.health.SuccessBps) / decay
}

func (t *track) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.health.InFlight++
	t.health.Requests++
}

func (t *track) end(code string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.health.InFlight--
	if code != "" {
		t.health.Failures++
		t.health.LastError, t.health.LastFailure = code, now
	}
}

func (t *track) snapshot() Health {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.health
}
