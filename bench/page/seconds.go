package page

import (
	"html/template"
	"math"

	"lambent.dev/lambent/bench"
)

// seconds draws how a row went second by second: median, 99th percentile, how late requests were
// sent, and what the hypervisor took.
func seconds(r bench.Row) template.HTML {
	low, high := math.Inf(1), 0.0
	for _, s := range r.Seconds {
		if s.P50 != nil && s.P99 != nil {
			low, high = min(low, positive(*s.P50)), max(high, positive(*s.P99))
		}
	}
	const least = 5 // fewer make no picture
	if high == 0 || len(r.Seconds) < least {
		return ""
	}
	lines := []trace{
		{"p50", func(s bench.Second) *float64 { return s.P50 }},
		{"p99", func(s bench.Second) *float64 { return s.P99 }},
		{"late", func(s bench.Second) *float64 { return s.Late }},
	}
	y := logScale(low*0.9, high*1.1, plotHigh-30, 10)
	d := open(full, plotHigh+legendHeight(len(lines)+1), "latency by second, logarithmic")
	d.steal(r.Seconds)
	for _, v := range y.ticks() {
		d.line("grid", 60, y.at(v), full-20, y.at(v))
		d.text("tick", "end", 52, y.at(v)+4, bench.Figure(&v))
	}
	for i, line := range lines {
		d.trace(r.Seconds, line, y, i)
		d.legend(bench.Row{Name: line.name}, i)
	}
	d.text("tick", "middle", full/2, plotHigh-12, r.Name+", by second; bars from above: share of the CPUs' time stolen")
	return d.done()
}

// trace is one line of that picture.
type trace struct {
	name string
	of   func(bench.Second) *float64
}

func secondAt(i, n int) float64 { return 60 + (full-80)*float64(i)/float64(n-1) }

func (d *drawing) trace(all []bench.Second, line trace, y scale, colour int) {
	d.printf(`<polyline class="curve c%d" points="`, colour)
	for i, s := range all {
		if v := line.of(s); v != nil {
			d.printf("%.1f,%.1f ", secondAt(i, len(all)), min(y.at(positive(*v)), plotHigh-30))
		}
	}
	d.WriteString(`"/>`)
}

// steal hangs bars from above: the whole height is all of the CPUs' time.
func (d *drawing) steal(all []bench.Second) {
	for i, s := range all {
		if s.Steal > 0 {
			x := secondAt(i, len(all))
			d.line("tail", x, 10, x, 10+min(s.Steal, 1)*(plotHigh-40))
		}
	}
}
