package bench

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// sampleReport holds a row of every kind, with texts that are too long and that mean something
// to Markdown.
func sampleReport() *Report {
	long := strings.Repeat("a word of an error ", 20)
	v := func(x float64) *float64 { return &x }
	r := &Report{
		Groups: []Group{{Name: "g", Title: "A group", Method: "By turns.", Steal: 0.5}},
		Rows: []Row{
			{Group: "g", Name: "floor", Unit: "ms", N: 1, P50: v(1)},
			{
				Group: "g", Name: "row", Unit: "ms", N: 2000, P50: v(0.012345), P90: v(123456), P99: v(99.5), P999: v(0.1), NotCold: 3, Note: long,
				Ratios: []Ratio{{Over: "g/floor", MostP50: 0.5, MostP99: 0.1}, {Over: "g/none"}},
			},
			{Group: "g", Name: "gone", Missing: "a | b " + long},
			{Group: "g", Name: "broken", Unit: "at once", P50: v(11), Limit: &Limit{Most: 10}, Broken: "11 ran"},
		},
	}
	compare(r.Rows)
	return r
}

func TestTextFitsATerminal(t *testing.T) {
	var out bytes.Buffer
	if err := sampleReport().Text(&out); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for _, want := range []string{
		"0.0123", "123456", "99.5", "not measured: a | b", "not counted: 3 answers", "11 ran", "target: at most 10 at once: not met", "50 % of the CPUs' time stolen",
		"0.0123× p50 of floor; target at most 0.5× p50, at most 0.1× p99: open, for want of samples", "no ratio: none was not measured",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestMarkdownStaysBetweenItsMarks(t *testing.T) {
	r := sampleReport()
	once, err := r.Markdown([]byte("# Speed\n" + markBegin + "\nold\n" + markEnd + "\nafter\n"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(once)
	if !strings.HasPrefix(text, "# Speed\n"+markBegin) || !strings.HasSuffix(text, markEnd+"\nafter\n") || strings.Contains(text, "old") {
		t.Error(text)
	}
	if !strings.Contains(text, `| gone | – | | | | | not measured: a \| b`) || !strings.Contains(text, "| row | 2000 | 0.0123 | 123456 |") {
		t.Error(text)
	}
	twice, err := r.Markdown(once)
	if err != nil || !bytes.Equal(once, twice) {
		t.Errorf("written again it differs: %v", err)
	}
	for _, bad := range []string{"", markBegin, markEnd + markBegin} {
		if _, err := r.Markdown([]byte(bad)); err == nil || !strings.Contains(err.Error(), markBegin) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
