package receipt

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// document is the JSON form: times in milliseconds with three decimals, memory in
// bytes. The tail of the log is not part of it.
type document struct {
	RequestID   string    `json:"requestId"`
	Version     string    `json:"version"`
	Isolation   string    `json:"isolation,omitempty"` // "" = refused before a tier was known
	Start       StartKind `json:"start"`
	Why         string    `json:"why,omitempty"`
	Fault       string    `json:"fault,omitempty"`
	Arrived     time.Time `json:"arrived"`
	Phases      phaseMap  `json:"phases"`
	WallMS      float64   `json:"wallMs"`
	MemoryPeak  int64     `json:"memoryPeakBytes"`
	CPUMS       float64   `json:"cpuMs"`
	ThrottledMS float64   `json:"throttledMs"`
}

// phaseMap holds milliseconds by a phase's name, in the order of the phases.
type phaseMap struct {
	Queue    float64 `json:"queue"`
	Sandbox  float64 `json:"sandbox"`
	Runtime  float64 `json:"runtime"`
	Init     float64 `json:"init"`
	Handler  float64 `json:"handler"`
	Response float64 `json:"response"`
}

// MarshalJSON implements json.Marshaler.
func (r Receipt) MarshalJSON() ([]byte, error) {
	return json.Marshal(document{
		RequestID: r.RequestID, Version: r.Version, Isolation: isolation(r.Tier),
		Start: r.Start, Why: r.Why, Fault: r.Fault, Arrived: r.Arrived,
		Phases: phasesOf(r.Spent), WallMS: rounded(r.Wall()),
		MemoryPeak: r.MemoryPeak, CPUMS: rounded(r.CPU), ThrottledMS: rounded(r.Throttled),
	})
}

// UnmarshalJSON implements json.Unmarshaler. It reads what MarshalJSON wrote; the
// wall time is the sum of the phases again and is not read.
func (r *Receipt) UnmarshalJSON(data []byte) error {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return fmt.Errorf("reading a receipt: %w", err)
	}
	tier, err := tierOf(d.Isolation)
	if err != nil {
		return fmt.Errorf("reading a receipt: %w", err)
	}
	*r = Receipt{
		RequestID: d.RequestID, Version: d.Version, Tier: tier,
		Start: d.Start, Why: d.Why, Fault: d.Fault, Arrived: d.Arrived,
		Spent: d.Phases.spent(), MemoryPeak: d.MemoryPeak,
		CPU: duration(d.CPUMS), Throttled: duration(d.ThrottledMS),
	}
	return nil
}

func isolation(t lambda.Tier) string {
	if t == 0 {
		return ""
	}
	return t.String()
}

func tierOf(isolation string) (lambda.Tier, error) {
	if isolation == "" {
		return 0, nil
	}
	return lambda.ParseTier(isolation)
}

func phasesOf(s [phases]time.Duration) phaseMap {
	return phaseMap{
		rounded(s[Queue]), rounded(s[Sandbox]), rounded(s[Runtime]),
		rounded(s[Init]), rounded(s[Handler]), rounded(s[Response]),
	}
}

func (m phaseMap) spent() [phases]time.Duration {
	return [phases]time.Duration{
		Queue: duration(m.Queue), Sandbox: duration(m.Sandbox), Runtime: duration(m.Runtime),
		Init: duration(m.Init), Handler: duration(m.Handler), Response: duration(m.Response),
	}
}

// rounded is d in milliseconds with three decimals.
func rounded(d time.Duration) float64 { return math.Round(milliseconds(d)*1000) / 1000 }
