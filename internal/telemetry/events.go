package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Events are the events that callers do not wait for, at one moment.
type Events struct {
	Accepted, Ended, Returned, Dropped int64 // since the start
	Running                            int
	Waiting                            int // in the queue, also those not due yet
}

// RegisterEvents adds the events. now is asked once per scrape.
func RegisterEvents(reg prometheus.Registerer, now func() Events) error {
	return reg.Register(&events{
		now:      now,
		accepted: prometheus.NewDesc("lambent_events_accepted_total", "Events that were written to the queue.", nil, nil),
		tried:    prometheus.NewDesc("lambent_events_tried_total", "Events taken from the queue, by what became of them.", []string{"outcome"}, nil),
		running:  prometheus.NewDesc("lambent_events_running", "Events that run.", nil, nil),
		waiting:  prometheus.NewDesc("lambent_events_waiting", "Events in the queue, also those not due yet.", nil, nil),
	})
}

type events struct {
	now                               func() Events
	accepted, tried, running, waiting *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (e *events) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{e.accepted, e.tried, e.running, e.waiting} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (e *events) Collect(to chan<- prometheus.Metric) {
	n := e.now()
	count := func(d *prometheus.Desc, value int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...) // the labels are as many as described
	}
	count(e.accepted, n.Accepted)
	count(e.tried, n.Ended, "ended")
	count(e.tried, n.Returned, "returned")
	count(e.tried, n.Dropped, "dropped")
	to <- prometheus.MustNewConstMetric(e.running, prometheus.GaugeValue, float64(n.Running))
	to <- prometheus.MustNewConstMetric(e.waiting, prometheus.GaugeValue, float64(n.Waiting))
}
