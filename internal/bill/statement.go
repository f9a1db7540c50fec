package bill

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Statement is what a log says: of each function, and of all together.
type Statement struct {
	Prices       string     `json:"prices"` // the date of the table
	Region       string     `json:"region"`
	Architecture string     `json:"architecture"`
	Unreadable   int64      `json:"unreadable_reports,omitempty"`
	Unread       string     `json:"first_unreadable,omitempty"`
	Functions    []Function `json:"functions"` // the dearest first
	Total        Sum        `json:"total"`
	Inits        []Bin      `json:"init_distribution,omitempty"` // cold starts and restores of all functions
	Here         Here       `json:"here"`
}

// A Function is what the log says of one.
type Function struct {
	Name     string    `json:"name"`
	MemoryMB int64     `json:"memory_mb"` // of its latest report
	First    time.Time `json:"first,omitzero"`
	Last     time.Time `json:"last,omitzero"`
	Duration Spread    `json:"duration"`
	Init     Spread    `json:"init"` // of cold starts and restores
	Sum
	Provisioned *Provisioned `json:"provisioned,omitempty"`
	Here        Replayed     `json:"here"`
}

// A Sum is what invocations used and cost. Init and unused memory are parts of Duration,
// and overlap.
type Sum struct {
	Invocations  int64   `json:"invocations"`
	Failed       int64   `json:"failed"`
	Cold         int64   `json:"cold_starts"`
	Restores     int64   `json:"restores"`
	WaitSeconds  float64 `json:"start_wait_seconds"` // that requests waited for Init and Restore
	GBSeconds    float64 `json:"gb_seconds"`
	InitSeconds  float64 `json:"init_gb_seconds"`
	UnusedShare  float64 `json:"unused_share"` // of the memory that was paid for
	USD          float64 `json:"usd"`
	RequestUSD   float64 `json:"request_usd"`
	DurationUSD  float64 `json:"duration_usd"`
	InitUSD      float64 `json:"init_usd"`
	UnusedUSD    float64 `json:"unused_usd"`
	RestoreUSD   float64 `json:"restore_usd"`
	ReadyUSD     float64 `json:"provisioned_usd"`
	ReadyIdleUSD float64 `json:"provisioned_idle_usd"`

	unused float64 // GB-seconds
}

// Provisioned is what provisioned concurrency cost, and how much of it stood idle.
type Provisioned struct {
	Instances int     `json:"instances"`
	Hours     float64 `json:"hours"`
	IdleShare float64 `json:"idle_share"`
	USD       float64 `json:"usd"`
	IdleUSD   float64 `json:"idle_usd"`
}

// A Spread says how times are spread, in ms.
type Spread struct {
	N   int64   `json:"n"`
	P50 float64 `json:"p50_ms"`
	P90 float64 `json:"p90_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

func spread(h *hdrhistogram.Histogram) Spread {
	if h.TotalCount() == 0 {
		return Spread{}
	}
	at := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1000 }
	return Spread{N: h.TotalCount(), P50: at(50), P90: at(90), P99: at(99), Max: float64(h.Max()) / 1000}
}

// Here is what the same requests would have met on this host.
type Here struct {
	KeepAliveSeconds float64 `json:"keep_alive_seconds"`
	Replayed
	Tiers []TierHere `json:"tiers,omitempty"`
}

// Replayed is what a replay counted.
type Replayed struct {
	Requests int64   `json:"requests"` // those with a time
	Starts   int64   `json:"starts"`
	Most     int     `json:"most_instances"`
	Average  float64 `json:"average_instances"` // from the first request until the last instance went

	held float64 // seconds that instances lived
}

// A Start is how fast this host starts functions in a tier.
type Start struct {
	Tier     string  `json:"tier"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	IdleMB   float64 `json:"idle_mb"` // memory of an idle instance
	Emulated bool    `json:"emulated,omitempty"`
	Missing  string  `json:"missing,omitempty"` // why the host lacks it
}

// TierHere is what the replay would have cost in a tier.
type TierHere struct {
	Start
	WaitSeconds float64 `json:"start_wait_seconds"` // all starts, each as long as the median
	MostMB      float64 `json:"most_mb"`            // of instances at once
}

func (s *Sum) add(o Sum) {
	s.Invocations += o.Invocations
	s.Failed += o.Failed
	s.Cold += o.Cold
	s.Restores += o.Restores
	s.WaitSeconds += o.WaitSeconds
	s.GBSeconds += o.GBSeconds
	s.InitSeconds += o.InitSeconds
	s.USD += o.USD
	s.RequestUSD += o.RequestUSD
	s.DurationUSD += o.DurationUSD
	s.InitUSD += o.InitUSD
	s.UnusedUSD += o.UnusedUSD
	s.RestoreUSD += o.RestoreUSD
	s.ReadyUSD += o.ReadyUSD
	s.ReadyIdleUSD += o.ReadyIdleUSD
	s.unused += o.unused
	s.share()
}

func (s *Sum) share() {
	if s.GBSeconds > 0 {
		s.UnusedShare = s.unused / s.GBSeconds
	}
}
