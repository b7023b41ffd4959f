package router

import "github.com/prometheus/client_golang/prometheus"

// metrics are the router's; labels are corridors, providers, states and codes, never customers.
type metrics struct {
	notified                                                                           *prometheus.CounterVec
	transitions, refused, quoteErrors, payErrors, queryErrors, resends, skips, carried *prometheus.CounterVec
	replays, busy, unavailable, claims                                                 prometheus.Counter
	accept                                                                             prometheus.Histogram
	life                                                                               *prometheus.HistogramVec
	inFlight, corridors                                                                prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "qiantang", Subsystem: "router", Name: name, Help: help}, labels)
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "qiantang", Subsystem: "router", Name: name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "qiantang", Subsystem: "router", Name: name, Help: help})
	}
	m := &metrics{
		transitions: counters("payment_transitions_total", "Payments that reached a state.", "corridor", "state"),
		refused:     counters("requests_refused_total", "Payment requests refused without a record.", "code"),
		quoteErrors: counters("quote_errors_total", "Quotes and locks that failed.", "provider", "code"),
		payErrors:   counters("pay_errors_total", "Instructions that ended in an error.", "provider", "code"),
		queryErrors: counters("query_errors_total", "Queries that ended in an error.", "provider", "code"),
		resends:     counters("resends_total", "Instructions that the provider never had, sent again under the same ID.", "provider"),
		skips:       counters("routes_skipped_total", "Routes not taken, such as those above the spread cap.", "corridor", "provider", "code"),
		carried: counters("exchanges_carried_total", "Payments rejected after an exchange, which the institution then has.",
			"corridor", "currency"),
		notified:    counters("notifications_total", "Notifications of providers, verified.", "provider"),
		replays:     counter("replays_total", "Requests answered from an earlier answer."),
		busy:        counter("busy_total", "Requests refused because too many payments were under way."),
		unavailable: counter("ledger_unavailable_total", "Times that the ledger could not book."),
		claims:      counter("claims_total", "Payments taken up from the ledger."),
		accept: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "qiantang", Subsystem: "router", Name: "accept_seconds", Help: "From a request to its durable answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}),
		life: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "qiantang", Subsystem: "router", Name: "payment_seconds", Help: "From acceptance to paid or rejected.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 300, 3600},
		}, []string{"state"}),
		inFlight:  gauge("payments_in_memory", "Payments that this replica drives."),
		corridors: gauge("corridors", "Corridors served."),
	}
	if reg != nil {
		reg.MustRegister(m.notified, m.transitions, m.refused, m.quoteErrors, m.payErrors, m.queryErrors, m.resends, m.skips, m.carried, m.replays, m.busy,
			m.unavailable, m.claims, m.accept, m.life, m.inFlight, m.corridors)
	}
	return m
}
