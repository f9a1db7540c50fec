package telemetry

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lambent.dev/lambent/internal/lambda"
)

// Outcome is how an invocation ended.
type Outcome string

// The outcomes.
const (
	Succeeded     Outcome = "ok"
	FunctionError Outcome = "function_error" // the function answered with an error
	TimedOut      Outcome = "timeout"        // of the function
	Crashed       Outcome = "crash"          // its process ended, or it ran out of memory
	Throttled     Outcome = "throttled"      // 429: it never ran
	Refused       Outcome = "refused"        // another error of the caller
	Failed        Outcome = "failed"         // an error of Lambent
)

// Label values are a closed set: what a caller or a function names would let either fill
// the memory of Lambent and of its Prometheus. Other values count as "other".
const other = "other"

var (
	outcomes = [...]string{string(Succeeded), string(FunctionError), string(TimedOut), string(Crashed), string(Throttled), string(Refused), string(Failed)}
	starts   = [...]string{"", "warm", "provisioned", "stem", "box", "fork", "restore", "cold"}                                                                       // package receipt's; "": it never ran
	phases   = [...]string{"queue", "sandbox", "boot", "restore", "attach", "runtime", "init", "handler", "response"}                                                 // package receipt's
	parts    = [...]string{"cpu", "throttled", "waiting", "memory-stall", "io-stall"}                                                                                 // package receipt's Used
	causes   = [...]string{"busy", "changed", "crash", "ended", "evicted", "expired", "first", "lowered", "provisioning", "stopping", "swapped", "timeout", "unused"} // package pool's
	reasons  = [...]string{lambda.ReasonConcurrency, lambda.ReasonReservedConcurrency, lambda.ReasonCallerRate}
)

func known(set []string, value string) string {
	if slices.Contains(set, value) {
		return value
	}
	return other
}

func tierLabel(t lambda.Tier) string {
	if t < lambda.TierProcess || t > lambda.TierMicroVM {
		return other
	}
	return t.String()
}

// phaseBuckets go from what a warm hand-over costs to the longest function, in seconds.
var phaseBuckets = [...]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900}

// Metrics are Lambent's metrics. Their methods are safe for concurrent use.
type Metrics struct {
	invokes   *prometheus.CounterVec
	phases    *prometheus.HistogramVec
	throttles *prometheus.CounterVec
	causes    *prometheus.CounterVec
	tax       *prometheus.CounterVec
	used      *prometheus.CounterVec
	faults    *prometheus.CounterVec
}

// NewMetrics makes the metrics and registers them. It fails only if the registry has
// others of these names.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		invokes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lambent_invokes_total", Help: "Invocations by isolation, start kind and outcome.",
		}, []string{"isolation", "start", "outcome"}),
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lambent_invoke_phase_seconds", Help: "Wall time of invocations by phase.", Buckets: phaseBuckets[:],
		}, []string{"isolation", "phase"}),
		throttles: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lambent_throttles_total", Help: "Invocations answered with 429, by reason.",
		}, []string{"reason"}),
		causes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lambent_starts_total", Help: "Invocations that met no idle instance that was ready, by start kind and why.",
		}, []string{"isolation", "start", "why"}),
		tax: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lambent_tax_seconds_total", Help: "Wall time of invocations that went into making their sandbox and starting the runtime in it: what isolation took.",
		}, []string{"isolation"}),
		used: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lambent_invoke_used_seconds_total", Help: "Time that functions were on a CPU, throttled, waited for a CPU, for memory and for I/O, as far as the host measures it.",
		}, []string{"isolation", "part"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lambent_invoke_page_faults_total", Help: "Page faults of functions; major ones had to read from a device.",
		}, []string{"isolation", "kind"}),
	}
	if err := m.register(reg); err != nil {
		return nil, fmt.Errorf("registering the metrics: %w", err)
	}
	return m, nil
}

func (m *Metrics) register(reg prometheus.Registerer) error {
	var failed []error
	for _, c := range []prometheus.Collector{m.invokes, m.phases, m.throttles, m.causes, m.tax, m.used, m.faults} {
		failed = append(failed, reg.Register(c))
	}
	return errors.Join(failed...)
}

// Invoked counts one invocation. Start is a receipt.StartKind, "" if it never ran; the tier
// may be 0 then.
func (m *Metrics) Invoked(tier lambda.Tier, start string, outcome Outcome) {
	m.invokes.WithLabelValues(tierLabel(tier), known(starts[:], start), known(outcomes[:], string(outcome))).Inc()
}

// Phase accounts time to a phase of one invocation: the name of a receipt.Phase.
func (m *Metrics) Phase(tier lambda.Tier, phase string, d time.Duration) {
	m.phases.WithLabelValues(tierLabel(tier), known(phases[:], phase)).Observe(d.Seconds())
}

// Started counts an invocation that was not warm, or whose instance was not ready. Why is a word
// of pool.Causes.
func (m *Metrics) Started(tier lambda.Tier, start, why string) {
	m.causes.WithLabelValues(tierLabel(tier), known(starts[:], start), known(causes[:], why)).Inc()
}

// Tax accounts what isolation took of one invocation.
func (m *Metrics) Tax(tier lambda.Tier, d time.Duration) {
	m.tax.WithLabelValues(tierLabel(tier)).Add(max(d, 0).Seconds())
}

// Used accounts time to a part of what one invocation used: a name of receipt.Used.
func (m *Metrics) Used(tier lambda.Tier, part string, d time.Duration) {
	m.used.WithLabelValues(tierLabel(tier), known(parts[:], part)).Add(d.Seconds())
}

// Faults counts the page faults of one invocation; major ones are among all.
func (m *Metrics) Faults(tier lambda.Tier, all, major int64) {
	m.faults.WithLabelValues(tierLabel(tier), "minor").Add(float64(max(all-major, 0)))
	m.faults.WithLabelValues(tierLabel(tier), "major").Add(float64(major))
}

// Throttle counts an invocation that was refused for a lambda.Reason….
func (m *Metrics) Throttle(reason string) {
	m.throttles.WithLabelValues(known(reasons[:], reason)).Inc()
}

// NewRegistry returns a registry with the figures of the Go runtime, the process and the
// build.
func NewRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister( // a new registry has nothing that could collide
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
	)
	return reg
}

const (
	scrapesAtOnce = 4
	scrapeLimit   = 10 * time.Second
)

// Handler serves a registry in Prometheus's formats, to a few scrapers at a time.
func Handler(reg *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		MaxRequestsInFlight: scrapesAtOnce, Timeout: scrapeLimit, Registry: reg,
	})
}
