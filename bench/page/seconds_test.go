package page

import (
	"strings"
	"testing"

	"lambent.dev/lambent/bench"
)

func TestPageShowsSeconds(t *testing.T) {
	r := report("tail")
	for i := range 6 {
		r.Rows[0].Seconds = append(r.Rows[0].Seconds, bench.Second{At: int64(i), N: 100, P50: v(0.2), P99: v(float64(i) + 1), Late: v(0), Steal: 0.1})
	}
	page := render(t, r)
	if got := strings.Count(page, "<polyline"); got != 2+3 {
		t.Errorf("%d lines, want the two curves and three by second", got)
	}
	if !strings.Contains(page, "tail, by second") || strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
		t.Error("the seconds are not drawn")
	}
	r.Rows[0].Seconds = r.Rows[0].Seconds[:1]
	if strings.Contains(render(t, r), "by second") {
		t.Error("one second makes a picture")
	}
}
