package page

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"lambent.dev/lambent/bench"
)

// drawing collects SVG. All text goes through escape.
type drawing struct{ strings.Builder }

func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(d, format, args...) }

// done closes the picture. What it holds was written here, with texts escaped.
func (d *drawing) done() template.HTML {
	d.WriteString("</svg>")
	return template.HTML(d.String())
}

func open(width, height float64, label string) *drawing {
	d := &drawing{}
	d.printf(`<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, width, height, html.EscapeString(label))
	return d
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.printf(`<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, x1, y1, x2, y2)
}

// text writes a text that starts, is centred ("middle") or ends at x.
func (d *drawing) text(class, anchor string, x, y float64, text string) {
	d.printf(`<text class="%s" text-anchor="%s" x="%.1f" y="%.1f">%s</text>`, class, anchor, x, y, html.EscapeString(text))
}

// scale maps values to pixels by their logarithm.
type scale struct{ low, high, from, to float64 }

func logScale(low, high, from, to float64) scale {
	low, high = math.Log10(low), math.Log10(high)
	if high-low < 0.3 { // a picture of nothing but noise helps nobody
		low, high = low-0.15, high+0.15
	}
	return scale{low, high, from, to}
}

func (s scale) at(v float64) float64 {
	return s.from + (math.Log10(v)-s.low)/(s.high-s.low)*(s.to-s.from)
}

// ticks are round values inside: 1, 2 and 5 of each power of ten, or the powers alone where
// there are many.
func (s scale) ticks() []float64 {
	steps := []float64{1, 2, 5}
	if s.high-s.low > 3 {
		steps = []float64{1}
	}
	var all []float64
	for power := math.Floor(s.low); power <= s.high; power++ {
		for _, step := range steps {
			if v := step * math.Pow(10, power); math.Log10(v) >= s.low-1e-9 && math.Log10(v) <= s.high+1e-9 {
				all = append(all, v)
			}
		}
	}
	return all
}

// Sizes of the pictures, in their own units.
const (
	full    = 900.0
	labels  = 270.0 // room for names
	barStep = 26.0
	barHigh = 12.0
)

// bars draws the rows of each unit: a bar to the median and a line on to the 99th percentile.
func bars(rows []bench.Row) template.HTML {
	var all template.HTML
	for _, unit := range units(rows) {
		if some := measured(rows, unit); len(some) > 1 {
			all += barsOf(some, unit)
		}
	}
	return all
}

func units(rows []bench.Row) []string {
	var all []string
	seen := map[string]bool{}
	for _, r := range rows {
		if !seen[r.Unit] {
			all, seen[r.Unit] = append(all, r.Unit), true
		}
	}
	return all
}

func measured(rows []bench.Row, unit string) []bench.Row {
	var some []bench.Row
	for _, r := range rows {
		if r.Unit == unit && r.P50 != nil && *r.P50 > 0 {
			some = append(some, r)
		}
	}
	return some
}

func barsOf(rows []bench.Row, unit string) template.HTML {
	low, high := math.Inf(1), 0.0
	for _, r := range rows {
		low, high = min(low, *r.P50), max(high, *r.P50, last(r))
	}
	s := logScale(low/2, high*1.05, labels, full-90)
	height := barStep*float64(len(rows)) + 30
	d := open(full, height, "medians in "+unit+", logarithmic")
	for _, v := range s.ticks() {
		d.line("grid", s.at(v), 0, s.at(v), height-24)
		d.text("tick", "middle", s.at(v), height-10, bench.Figure(&v))
	}
	d.text("tick", "end", full, height-10, unit+", log")
	for i, r := range rows {
		d.bar(r, s, barStep*float64(i)+6)
	}
	return d.done()
}

// last is the farthest value that a bar shows.
func last(r bench.Row) float64 {
	if r.P99 != nil {
		return *r.P99
	}
	return *r.P50
}

func (d *drawing) bar(r bench.Row, s scale, y float64) {
	middle := y + barHigh/2
	d.printf(`<g><title>%s: p50 %s, p99 %s %s (n = %d)</title>`, html.EscapeString(r.Name), bench.Figure(r.P50), bench.Figure(r.P99), html.EscapeString(r.Unit), r.N)
	d.text("name", "end", labels-10, middle+4, r.Name)
	d.printf(`<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.0f" rx="2"/>`, barClass(r), labels, y, s.at(*r.P50)-labels, barHigh)
	end := s.at(last(r))
	if r.P99 != nil {
		d.line("tail", s.at(*r.P50), middle, end, middle)
		d.line("tail", end, y+2, end, y+barHigh-2)
	}
	d.text("value", "start", max(end, s.at(*r.P50))+6, middle+4, barValue(r))
	d.WriteString("</g>")
}

// barValue is the median and, where there is one, the 99th percentile.
func barValue(r bench.Row) string {
	if r.P99 == nil {
		return bench.Figure(r.P50)
	}
	return bench.Figure(r.P50) + " / " + bench.Figure(r.P99)
}

func ours(r bench.Row) bool { return strings.Contains(r.Name, "lambent") }

func barClass(r bench.Row) string {
	if ours(r) {
		return "bar ours"
	}
	return "bar"
}

// plotHigh is the height of a plot of curves without its legend.
const plotHigh = 320.0

// curves draws latency over percentile, the percentiles spaced by nines: 90 %, 99 % and 99.9 %
// are equally far apart, so that a flat tail is a flat line.
func curves(rows []bench.Row) template.HTML {
	if len(rows) == 0 {
		return ""
	}
	low, high, n := math.Inf(1), 0.0, 0
	for _, r := range rows {
		low, high, n = min(low, positive(r.Curve[0].V)), max(high, r.Curve[len(r.Curve)-1].V), max(n, r.N)
	}
	x := nines{from: 60, to: full - 20, most: math.Log10(float64(n) + 1)}
	y := logScale(low*0.9, high*1.1, plotHigh-30, 10)
	d := open(full, plotHigh+legendHeight(len(rows)), "latency over percentile, both logarithmic")
	d.axes(x, y)
	for i, r := range rows {
		d.curve(r, x, y, i)
		d.legend(r, i)
	}
	return d.done()
}

func positive(v float64) float64 { return max(v, 1e-4) }

// nines maps a share of samples to pixels by how many nines it has.
type nines struct{ from, to, most float64 }

func (s nines) at(q float64) float64 {
	n := s.most
	if q < 1 {
		n = min(-math.Log10(1-q), s.most)
	}
	return s.from + n/s.most*(s.to-s.from)
}

func (d *drawing) axes(x nines, y scale) {
	for _, v := range y.ticks() {
		d.line("grid", x.from, y.at(v), x.to, y.at(v))
		d.text("tick", "end", x.from-8, y.at(v)+4, bench.Figure(&v))
	}
	for _, p := range []struct {
		q    float64
		name string
	}{{0, "0"}, {0.5, "50 %"}, {0.9, "90 %"}, {0.99, "99 %"}, {0.999, "99.9 %"}, {0.9999, "99.99 %"}} {
		if -math.Log10(1-p.q) > x.most {
			continue
		}
		d.line("grid", x.at(p.q), 10, x.at(p.q), plotHigh-30)
		d.text("tick", "middle", x.at(p.q), plotHigh-12, p.name)
	}
	d.text("tick", "start", 0, 14, "ms")
}

func (d *drawing) curve(r bench.Row, x nines, y scale, i int) {
	d.printf(`<polyline class="curve c%d%s" points="`, i%colours, dash(i))
	for _, p := range r.Curve {
		d.printf("%.1f,%.1f ", x.at(p.Q), y.at(positive(p.V)))
	}
	d.printf(`"><title>%s</title></polyline>`, html.EscapeString(r.Name))
}

// colours is how many the style sheet has; then lines are dashed.
const colours = 8

func dash(i int) string {
	if i >= colours {
		return " dashed"
	}
	return ""
}

// The legend stands below a plot in columns.
const (
	legendColumns = 3
	legendStep    = 20.0
)

func legendHeight(n int) float64 {
	return legendStep*math.Ceil(float64(n)/legendColumns) + 6
}

func (d *drawing) legend(r bench.Row, i int) {
	x := 60 + float64(i%legendColumns)*(full-60)/legendColumns
	y := plotHigh + 8 + legendStep*float64(i/legendColumns)
	d.line(fmt.Sprintf("curve c%d%s", i%colours, dash(i)), x, y, x+22, y)
	d.text("name", "start", x+30, y+4, r.Name)
}
