package controllers

import "github.com/prometheus/client_golang/prometheus"

type metrics struct{ corridors *prometheus.GaugeVec }

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{corridors: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "qiantang_corridors", Help: "Corridors, by whether all workers that must serve them have said so.",
	}, []string{"institution", "programmed"})}
	if r != nil {
		r.MustRegister(m.corridors)
	}
	return m
}

func (m *metrics) observe(s *scope) {
	m.corridors.WithLabelValues(s.institution.name, "true").Set(float64(s.programmed))
	m.corridors.WithLabelValues(s.institution.name, "false").Set(float64(s.unprogrammed))
}

func (m *metrics) forget(institution string) {
	m.corridors.DeletePartialMatch(prometheus.Labels{"institution": institution})
}
