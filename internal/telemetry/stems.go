package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"lambent.dev/lambent/internal/lambda"
)

// Stems counts the sandboxes of one kind that are made ahead.
type Stems struct {
	Tier    lambda.Tier
	Preload string // interpreter in them; "" = none
	Ready   int
	Wanted  int
	Taken   uint64
	Missed  uint64
}

// RegisterStems adds the stems. now is asked once per scrape; it lists as many kinds as
// this host keeps, which are few.
func RegisterStems(reg prometheus.Registerer, now func() []Stems) error {
	labels := []string{"isolation", "interpreter"}
	return reg.Register(&stems{
		now:    now,
		ready:  prometheus.NewDesc("lambent_stems_ready", "Sandboxes that wait for a function.", labels, nil),
		wanted: prometheus.NewDesc("lambent_stems_wanted", "Sandboxes that are to wait for a function, by what was asked for lately.", labels, nil),
		taken:  prometheus.NewDesc("lambent_stems_taken_total", "Starts that found a sandbox ready.", labels, nil),
		missed: prometheus.NewDesc("lambent_stems_missed_total", "Starts that found none.", labels, nil),
	})
}

type stems struct {
	now                          func() []Stems
	ready, wanted, taken, missed *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (s *stems) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.ready, s.wanted, s.taken, s.missed} {
		to <- d
	}
}

// Collect implements prometheus.Collector. Beds of one interpreter are added up: they
// differ in what no label should hold, the account and the size of /tmp.
func (s *stems) Collect(to chan<- prometheus.Metric) {
	type key struct{ tier, preload string }
	sums := map[key]Stems{}
	for _, one := range s.now() {
		k := key{one.Tier.String(), one.Preload}
		sum := sums[k]
		sum.Ready, sum.Wanted = sum.Ready+one.Ready, sum.Wanted+one.Wanted
		sum.Taken, sum.Missed = sum.Taken+one.Taken, sum.Missed+one.Missed
		sums[k] = sum
	}
	for k, sum := range sums {
		send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64) {
			to <- prometheus.MustNewConstMetric(d, kind, value, k.tier, k.preload) // the labels are as many as described
		}
		send(s.ready, prometheus.GaugeValue, float64(sum.Ready))
		send(s.wanted, prometheus.GaugeValue, float64(sum.Wanted))
		send(s.taken, prometheus.CounterValue, float64(sum.Taken))
		send(s.missed, prometheus.CounterValue, float64(sum.Missed))
	}
}
