package bill

import "fmt"

// From these shares on something is worth a step of its own.
const (
	initWorth   = 0.05 // of the duration's cost
	unusedWorth = 0.3  // of the duration's cost
	idleWorth   = 0.2  // of what provisioned concurrency cost
)

// Next says what to do with a statement, the dearest thing of each kind first.
func (s *Statement) Next() []string {
	var steps []string
	for _, step := range []func() string{s.lessInit, s.lessMemory, s.lessProvisioned, s.measureHere} {
		if text := step(); text != "" {
			steps = append(steps, text)
		}
	}
	return steps
}

// dearest is the function of which something cost most; nil if it cost nothing.
func (s *Statement) dearest(cost func(*Function) float64) *Function {
	var found *Function
	for i := range s.Functions {
		if f := &s.Functions[i]; cost(f) > 0 && (found == nil || cost(f) > cost(found)) {
			found = f
		}
	}
	return found
}

func (s *Statement) lessInit() string {
	f := s.dearest(func(f *Function) float64 { return f.InitUSD })
	if f == nil || s.Total.InitUSD < initWorth*s.Total.DurationUSD {
		return ""
	}
	return fmt.Sprintf("Look at what %s does before its first request: it paid %s for INIT, the most of all.", f.Name, USD(f.InitUSD))
}

func (s *Statement) lessMemory() string {
	f := s.dearest(func(f *Function) float64 { return f.UnusedUSD })
	if f == nil || s.Total.UnusedUSD < unusedWorth*s.Total.DurationUSD {
		return ""
	}
	return fmt.Sprintf("Try %s with less than %d MB, and watch its duration, for CPU goes with memory: %s of it was paid for and never used, %s.", f.Name, f.MemoryMB, share(f.UnusedShare, 1), USD(f.UnusedUSD))
}

func (s *Statement) lessProvisioned() string {
	f := s.dearest(func(f *Function) float64 { return f.ReadyIdleUSD })
	if f == nil || s.Total.ReadyIdleUSD < idleWorth*s.Total.ReadyUSD {
		return ""
	}
	return fmt.Sprintf("Keep fewer than %d instances of %s ready, or none where starts are fast: they stood idle for %s of the time, %s.", f.Provisioned.Instances, f.Name, share(f.Provisioned.IdleShare, 1), USD(f.ReadyIdleUSD))
}

func (s *Statement) measureHere() string {
	if len(s.Here.Tiers) > 0 || s.Here.Requests == 0 {
		return ""
	}
	return "Measure a machine of your own with `lambent tax --output json > tax.json`; with `--starts tax.json` this page says what the same requests would have waited there."
}
