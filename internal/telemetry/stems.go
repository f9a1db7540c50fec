package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"lambent.dev/lambent/internal/lambda"
)

// Stems counts the sandboxes of one kind that are made ahead.
type Stems struct {
	Tier    lambda.Tier
	Preload string // interpreter in them; "" = none
	Bare    bool   // these are boxes for any interpreter
	Ready   int
	Wanted  int
	Taken   uint64
	Missed  uint64
}

// RegisterStems adds the stems. now is asked once per scrape; it lists as many kinds as
// this host keeps, which are few.
func RegisterStems(reg prometheus.Registerer, now func() []Stems) error {
	return reg.Register(&stems{now: now, of: map[bool]counts{
		false: {
			ready:  describe("lambent_stems_ready", "Sandboxes that wait for a function."),
			wanted: describe("lambent_stems_wanted", "Sandboxes that are to wait for a function, by what was asked for lately."),
			taken:  describe("lambent_stems_taken_total", "Starts that found a sandbox ready."),
			missed: describe("lambent_stems_missed_total", "Starts that found none."),
		},
		true: {
			ready:  describe("lambent_boxes_ready", "Sandboxes without an interpreter that wait for starts that find no stem."),
			wanted: describe("lambent_boxes_wanted", "Sandboxes without an interpreter that are to wait, by what was asked for lately."),
			taken:  describe("lambent_boxes_taken_total", "Starts without a stem that found a sandbox without an interpreter."),
			missed: describe("lambent_boxes_missed_total", "Starts that found neither."),
		},
	}})
}

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, []string{"isolation", "interpreter"}, nil)
}

type stems struct {
	now func() []Stems
	of  map[bool]counts // by Stems.Bare
}

type counts struct{ ready, wanted, taken, missed *prometheus.Desc }

// Describe implements prometheus.Collector.
func (s *stems) Describe(to chan<- *prometheus.Desc) {
	for _, c := range s.of {
		for _, d := range []*prometheus.Desc{c.ready, c.wanted, c.taken, c.missed} {
			to <- d
		}
	}
}

// Collect implements prometheus.Collector. Beds of one interpreter are added up: they
// differ in what no label should hold, the account and the size of /tmp.
func (s *stems) Collect(to chan<- prometheus.Metric) {
	type key struct {
		tier, preload string
		bare          bool
	}
	sums := map[key]Stems{}
	for _, one := range s.now() {
		k := key{one.Tier.String(), one.Preload, one.Bare}
		sum := sums[k]
		sum.Ready, sum.Wanted = sum.Ready+one.Ready, sum.Wanted+one.Wanted
		sum.Taken, sum.Missed = sum.Taken+one.Taken, sum.Missed+one.Missed
		sums[k] = sum
	}
	for k, sum := range sums {
		send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64) {
			to <- prometheus.MustNewConstMetric(d, kind, value, k.tier, k.preload) // the labels are as many as described
		}
		c := s.of[k.bare]
		send(c.ready, prometheus.GaugeValue, float64(sum.Ready))
		send(c.wanted, prometheus.GaugeValue, float64(sum.Wanted))
		send(c.taken, prometheus.CounterValue, float64(sum.Taken))
		send(c.missed, prometheus.CounterValue, float64(sum.Missed))
	}
}
