package fleet

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	reach    *prometheus.GaugeVec
	duration *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		reach: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "qiantang_region_reachable", Help: "1 while the region's cluster answers, else 0.",
		}, []string{"institution", "region"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "qiantang_apply_duration_seconds", Help: "Time of one server-side apply, by kind and outcome.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20},
		}, []string{"kind", "outcome"}),
	}
	if r != nil {
		r.MustRegister(m.reach, m.duration)
	}
	return m
}

func (m *metrics) reachable(k Key, yes bool) {
	value := 0.0
	if yes {
		value = 1
	}
	m.reach.WithLabelValues(k.Institution, k.Region).Set(value)
}

func (m *metrics) forget(k Key) { m.reach.DeleteLabelValues(k.Institution, k.Region) }

func (m *metrics) applied(kind string, took time.Duration, err error) {
	outcome := "applied"
	if err != nil {
		outcome = "failed"
	}
	m.duration.WithLabelValues(kind, outcome).Observe(took.Seconds())
}
