package telemetry_test

import (
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"lambent.dev/lambent/internal/telemetry"
)

// described is a registry that keeps what metrics say of themselves.
type described map[string]string // rows of the page by name

// descText is how client_golang prints a Desc, which has no other way to say it.
var descText = regexp.MustCompile(`fqName: "(\w+)", help: "([^"]*)",.* constLabels: \{([^}]*)\}, variableLabels: \{([^}]*)\}`)

// Register implements prometheus.Registerer.
func (d described) Register(c prometheus.Collector) error {
	found := make(chan *prometheus.Desc, 16)
	go func() { defer close(found); c.Describe(found) }()
	for desc := range found {
		m := descText.FindStringSubmatch(desc.String())
		if m == nil {
			return errors.New(desc.String())
		}
		constant, _, _ := strings.Cut(m[3], "=")
		d[m[1]] = "| `" + m[1] + "` | " + labels(constant+","+m[4]) + " | " + m[2] + " |"
	}
	return nil
}

func labels(names string) string {
	var all []string
	for name := range strings.SplitSeq(names, ",") {
		if name != "" {
			all = append(all, "`"+name+"`")
		}
	}
	return strings.Join(all, ", ")
}

// MustRegister implements prometheus.Registerer.
func (d described) MustRegister(...prometheus.Collector) {}

// Unregister implements prometheus.Registerer.
func (d described) Unregister(prometheus.Collector) bool { return false }

// The page of metrics has a row for each metric, with its labels and its own words, and no other.
func TestThePageIsComplete(t *testing.T) {
	d := described{}
	_, err := telemetry.NewMetrics(d)
	err = errors.Join(err, telemetry.RegisterOccupancy(d, nil), telemetry.RegisterEvents(d, nil), telemetry.RegisterStems(d, nil), telemetry.RegisterLogDrops(d, nil))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `lambent_.*$").FindAllString(string(page), -1)
	for _, name := range slices.Sorted(maps.Keys(d)) {
		if !slices.Contains(rows, d[name]) {
			t.Errorf("docs/metrics.md lacks the row\n%s", d[name])
		}
	}
	if len(rows) != len(d) {
		t.Errorf("%d rows in docs/metrics.md for %d metrics", len(rows), len(d))
	}
}
