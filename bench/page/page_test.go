package page

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"lambent.dev/lambent/bench"
)

func v(x float64) *float64 { return &x }

func render(t *testing.T, r *bench.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func report(name string) *bench.Report {
	met := false
	points := []bench.Point{{Q: 0, V: 0}, {Q: 0.5, V: 2}, {Q: 0.99, V: 30}, {Q: 1, V: 31}}
	return &bench.Report{
		Groups: []bench.Group{{Name: "g", Title: "A group"}},
		Rows: []bench.Row{
			{Group: "g", Name: name, Unit: "ms", N: 200, P50: v(2), P99: v(30), Curve: points, Ratios: []bench.Ratio{{Over: "g/floor", P50: v(2), MostP50: 1.5, Met: &met}}},
			{Group: "g", Name: "floor", Unit: "ms", N: 200, P50: v(1), Curve: points},
			{Group: "g", Name: "gone", Unit: "ms", Missing: "it broke"},
		},
	}
}

// The page must be readable without a network, and a text of a stranger stays a text.
func TestPageAsksForNothing(t *testing.T) {
	page := render(t, report(`<script src="http://example.org/x.js">`))
	if found := regexp.MustCompile(`(?i)<script|<link|<img|@import|url\(|\bsrc="|\bhref=`).FindString(page); found != "" {
		t.Errorf("the page holds %s", found)
	}
	if found := regexp.MustCompile(`%!|NaN|Inf`).FindString(page); found != "" {
		t.Errorf("the page holds %s", found)
	}
}

func TestPageShowsWhatWasMeasured(t *testing.T) {
	page := render(t, report("lambent python"))
	for _, want := range []string{
		"Targets: 0 of 1 met", `class="bar ours"`, "<polyline", "99 %", "not measured: it broke", "missed", "prefers-color-scheme: dark", "g: lambent python over floor",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Count(page, "<polyline") != 2 {
		t.Error("want a curve of each measured row")
	}
}

// A report of rows that all failed, and one of nothing, are pages too.
func TestPageOfNothing(t *testing.T) {
	render(t, &bench.Report{})
	empty := report("x")
	for i := range empty.Rows {
		empty.Rows[i].P50, empty.Rows[i].P99, empty.Rows[i].Curve, empty.Rows[i].Missing = nil, nil, nil, "gone"
	}
	if page := render(t, empty); strings.Contains(page, "<svg") {
		t.Error("a picture of nothing")
	}
}

func TestTicksAreRoundAndInside(t *testing.T) {
	s := logScale(0.03, 7, 0, 100)
	for _, tick := range s.ticks() {
		if x := s.at(tick); x < -1e-6 || x > 100+1e-6 {
			t.Errorf("tick %v at %v", tick, x)
		}
	}
	if n := len(s.ticks()); n < 5 || n > 9 {
		t.Errorf("%d ticks", n)
	}
}
