package settle

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	runs         *prometheus.CounterVec
	instructions *prometheus.CounterVec
	failures     *prometheus.CounterVec
}

// newMetrics registers the settler's metrics; with a nil registerer they count for nobody.
func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qiantang_settlement_runs_total", Help: "Settlement runs that became final, by schedule and state (settled, failed).",
		}, []string{"schedule", "state"}),
		instructions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qiantang_settlement_instructions_total", Help: "Settlement instructions that clearing systems answered for good, by status.",
		}, []string{"status"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qiantang_settlement_step_failures_total", Help: "Steps of settlement that failed and are tried again, by the state of the window.",
		}, []string{"state"}),
	}
	if r != nil {
		r.MustRegister(m.runs, m.instructions, m.failures)
	}
	return m
}
