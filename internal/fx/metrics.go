package fx

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are shared by all guarded providers of a worker. A nil *Metrics counts nothing.
type Metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	hedges    *prometheus.CounterVec
	cached    *prometheus.CounterVec
	breaker   *prometheus.GaugeVec
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "qiantang_fx_requests_total",
			Help: "Requests to FX providers by operation and result: ok, or the error's class."}, []string{"provider", "op", "result"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "qiantang_fx_request_duration_seconds",
			Help: "How long FX providers took.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}},
			[]string{"provider", "op"}),
		hedges: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "qiantang_fx_hedges_total",
			Help: "Second quote requests, and whether they won."}, []string{"provider", "won"}),
		cached: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "qiantang_fx_cached_quotes_total",
			Help: "Quotes answered from a rate that was still firm."}, []string{"provider"}),
		breaker: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "qiantang_fx_breaker_state",
			Help: "Circuit breaker: 0 closed, 1 half open, 2 open."}, []string{"provider", "circuit"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.durations, m.hedges, m.cached, m.breaker} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Metrics) request(provider, op, result string, d time.Duration) {
	if m != nil {
		m.requests.WithLabelValues(provider, op, result).Inc()
		m.durations.WithLabelValues(provider, op).Observe(d.Seconds())
	}
}

func (m *Metrics) hedge(provider string, won bool) {
	if m != nil {
		m.hedges.WithLabelValues(provider, map[bool]string{true: "true", false: "false"}[won]).Inc()
	}
}

func (m *Metrics) cacheHit(provider string) {
	if m != nil {
		m.cached.WithLabelValues(provider).Inc()
	}
}

func (m *Metrics) state(provider, circuit string, state int) {
	if m != nil {
		m.breaker.WithLabelValues(provider, circuit).Set(float64(state))
	}
}
