package telemetry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/telemetry"
)

func TestLoggerFormats(t *testing.T) {
	var text, doc bytes.Buffer
	for format, w := range map[string]*bytes.Buffer{telemetry.Text: &text, telemetry.JSON: &doc} {
		log, err := telemetry.Logger(w, "warn", format)
		if err != nil {
			t.Fatal(err)
		}
		log.Info("hidden")
		log.Warn("shown", "name", "a\nlevel=ERROR \x1b[2J")
	}
	if line := text.String(); strings.Count(line, "\n") != 1 || strings.Contains(line, "\x1b") || !strings.Contains(line, "level=WARN msg=shown") {
		t.Errorf("text = %q", line)
	}
	var got map[string]any
	if err := json.Unmarshal(doc.Bytes(), &got); err != nil || got["msg"] != "shown" || got["name"] != "a\nlevel=ERROR \x1b[2J" {
		t.Errorf("JSON = %q, %v", &doc, err)
	}
}

func TestLoggerDefaults(t *testing.T) {
	var w bytes.Buffer
	log, err := telemetry.Logger(&w, "", "")
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("hidden")
	log.Info("shown")
	if got := w.String(); !strings.Contains(got, "msg=shown") || strings.Contains(got, "hidden") {
		t.Errorf("log = %q", got)
	}
}

func TestLoggerRefuses(t *testing.T) {
	for _, c := range [][2]string{{"loud", "text"}, {"info", "xml"}} {
		if _, err := telemetry.Logger(&bytes.Buffer{}, c[0], c[1]); err == nil || !strings.Contains(err.Error(), "use ") {
			t.Errorf("%v: err = %v, want one that says what to use", c, err)
		}
	}
}

func TestMetricsAreServed(t *testing.T) {
	reg := telemetry.NewRegistry()
	m, err := telemetry.NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	if err := telemetry.RegisterLogDrops(reg, func() int64 { return 12 }); err != nil {
		t.Fatal(err)
	}
	m.Invoked(lambda.TierLight, "warm", telemetry.Succeeded)
	m.Invoked(0, "", telemetry.Throttled)
	m.Phase(lambda.TierLight, "handler", 3*time.Millisecond)
	occupancy := telemetry.Occupancy{Busy: 2, Waiting: 1, Memory: 256}
	if err := telemetry.RegisterOccupancy(reg, func() telemetry.Occupancy { return occupancy }); err != nil {
		t.Fatal(err)
	}
	m.Throttle(lambda.ReasonConcurrency)
	m.Started(lambda.TierGVisor, "stem", "expired")
	m.Tax(lambda.TierGVisor, 21*time.Millisecond)
	m.Used(lambda.TierLight, "waiting", 41*time.Millisecond)
	m.Faults(lambda.TierLight, 70, 3)
	got := scrape(t, telemetry.Handler(reg))
	for _, want := range []string{
		`lambent_invokes_total{isolation="light",outcome="ok",start="warm"} 1`,
		`lambent_invokes_total{isolation="other",outcome="throttled",start=""} 1`,
		`lambent_invoke_phase_seconds_bucket{isolation="light",phase="handler",le="0.0025"} 0`,
		`lambent_invoke_phase_seconds_bucket{isolation="light",phase="handler",le="0.005"} 1`,
		`lambent_instances{state="busy"} 2`,
		`lambent_invokes_queued 1`,
		`lambent_instance_memory_mib 256`,
		`lambent_throttles_total{reason="ConcurrentInvocationLimitExceeded"} 1`,
		`lambent_starts_total{isolation="gvisor",start="stem",why="expired"} 1`,
		`lambent_tax_seconds_total{isolation="gvisor"} 0.021`,
		`lambent_invoke_used_seconds_total{isolation="light",part="waiting"} 0.041`,
		`lambent_invoke_page_faults_total{isolation="light",kind="minor"} 67`,
		`lambent_invoke_page_faults_total{isolation="light",kind="major"} 3`,
		`lambent_log_lines_dropped_total 12`,
		`go_goroutines `,
		`process_open_fds `,
	} {
		if !strings.Contains(got, "\n"+want) {
			t.Errorf("not served: %s", want)
		}
	}
}

func TestEventsAreServed(t *testing.T) {
	reg := telemetry.NewRegistry()
	asked := 0
	err := telemetry.RegisterEvents(reg, func() telemetry.Events {
		asked++
		return telemetry.Events{Accepted: 6, Ended: 3, Returned: 2, Dropped: 1, Running: 4, Waiting: 5}
	})
	if err != nil {
		t.Fatal(err)
	}
	got := scrape(t, telemetry.Handler(reg))
	for _, want := range []string{
		"lambent_events_accepted_total 6", `lambent_events_tried_total{outcome="ended"} 3`, `lambent_events_tried_total{outcome="returned"} 2`,
		`lambent_events_tried_total{outcome="dropped"} 1`, "lambent_events_running 4", "lambent_events_waiting 5",
	} {
		if !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("not served: %s", want)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times for one scrape", asked)
	}
}

// Whatever is given as a label, the number of series is bounded: all that there can be are made,
// and ten thousand strangers add those of "other" only.
func TestLabelsAreBounded(t *testing.T) {
	reg := telemetry.NewRegistry()
	m, err := telemetry.NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	const strangers = 10_000
	for i := range strangers {
		text := fmt.Sprintf("x%d\xff", i)
		tier := lambda.Tier(i%(2*strangers) - strangers/2)
		m.Invoked(tier, text, telemetry.Outcome(text))
		m.Phase(tier, text, time.Second)
		m.Throttle(text)
		m.Started(tier, text, text)
		m.Tax(tier, time.Second)
		m.Used(tier, text, time.Second)
		m.Faults(tier, 2, 1)
	}
	series := regexp.MustCompile(`(?m)^lambent_\w+`).FindAllString(scrape(t, telemetry.Handler(reg)), -1)
	if most := 5*(1+23+1+1+1+2) + 1; len(series) > most { // tiers and "other"; a histogram has 21 buckets, a sum, a count
		t.Errorf("%d series, want %d at most", len(series), most)
	}
}

// The words of package receipt, which is above this one, are all known here.
func TestReceiptWordsAreKnown(t *testing.T) {
	reg := telemetry.NewRegistry()
	m, err := telemetry.NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range receipt.Phases() {
		m.Phase(lambda.TierLight, p.String(), time.Second)
	}
	zero := receipt.Of[time.Duration](0)
	used := receipt.Used{CPU: zero, Throttled: zero, Waiting: zero, HostWaiting: zero, MemoryStall: zero, IOStall: zero}
	for part := range used.Times {
		m.Used(lambda.TierLight, part, time.Second)
	}
	for _, s := range []receipt.StartKind{receipt.Warm, receipt.Provisioned, receipt.Stem, receipt.Fork, receipt.Restore, receipt.Cold} {
		m.Invoked(lambda.TierLight, string(s), telemetry.Succeeded)
	}
	for _, why := range pool.Causes() {
		m.Started(lambda.TierLight, "cold", why)
	}
	if got := scrape(t, telemetry.Handler(reg)); strings.Contains(got, `"other"`) {
		t.Errorf("a word of receipt counts as other:\n%s", got)
	}
}

func TestMetricsTwice(t *testing.T) {
	reg := telemetry.NewRegistry()
	_, first := telemetry.NewMetrics(reg)
	if _, second := telemetry.NewMetrics(reg); first != nil || second == nil {
		t.Errorf("first %v, second %v, want the second refused", first, second)
	}
}

func scrape(t *testing.T, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return "\n" + w.Body.String()
}
