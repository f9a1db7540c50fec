package telemetry

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The page of metrics lists every value that a label can have.
func TestThePageListsEveryValue(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := slices.Collect(strings.Lines(string(text)))
	for label, values := range map[string][]string{
		"`start`": starts[1:], "`outcome`": outcomes[:], "`phase`": phases[:], "`part`, `kind`": parts[:],
	} {
		i := slices.IndexFunc(rows, func(row string) bool { return strings.HasPrefix(row, "| "+label+" | ") })
		for _, value := range values {
			if i < 0 || !strings.Contains(rows[i], "`"+value+"`") {
				t.Errorf("the row of %s lacks %s", label, value)
			}
		}
	}
	for _, why := range causes {
		if !strings.Contains(string(text), "`"+why+"`") {
			t.Errorf("the page lacks why %s", why)
		}
	}
}
