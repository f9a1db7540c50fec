package bench

import (
	"slices"
	"time"
)

// Format is the version of the JSON form of a Report. It grows when a field changes its
// meaning or goes; new fields leave it.
const Format = 1

// Report is one whole run.
type Report struct {
	Format  int       `json:"format"`
	Version string    `json:"version"` // of Lambent
	Began   time.Time `json:"began"`
	Seconds float64   `json:"seconds"`
	Quick   bool      `json:"quick"` // a smoke run: its numbers mean little
	Machine Machine   `json:"machine"`
	Groups  []Group   `json:"groups"`
	Rows    []Row     `json:"rows"`
}

// Group is rows that were measured together.
type Group struct {
	Name    string  `json:"name"`
	Title   string  `json:"title"`
	Method  string  `json:"method"` // how it was measured, in sentences
	Seconds float64 `json:"seconds"`
	Steal   float64 `json:"steal"`       // share of the CPUs' time that the hypervisor took meanwhile
	HeldMS  float64 `json:"throttledMs"` // that a quota of CPU held this program and its servers back
}

// Row is one thing that was measured.
type Row struct {
	Group string `json:"group"`
	Name  string `json:"name"`
	Start string `json:"start"` // the event at which the clock starts
	End   string `json:"end"`   // and stops
	Unit  string `json:"unit"`  // "ms", "1/s", "MB", "×", "at once"

	N    int      `json:"n"`
	P50  *float64 `json:"p50"` // null: too few samples, or Missing
	P90  *float64 `json:"p90"`
	P99  *float64 `json:"p99"`
	P999 *float64 `json:"p999"`

	P99Range *Range `json:"p99Range,omitempty"`

	// OverFloor are the samples as multiples of a floor that was measured right before and after
	// each turn: what is left when the machine's own speed changes. nil: there was no such floor.
	OverFloor *Quantiles `json:"overFloor,omitempty"`

	Ratios  []Ratio `json:"ratios,omitempty"`
	Limit   *Limit  `json:"limit,omitempty"`
	NotCold int     `json:"notCold,omitempty"` // answers whose module was older than the request: not in N
	Note    string  `json:"note,omitempty"`

	Emulated bool    `json:"emulated,omitempty"` // in a machine that software emulates: no real one's figures
	Missing  string  `json:"missing,omitempty"`  // why it was not measured
	Broken   string  `json:"broken,omitempty"`   // a limit that was not held: the run fails
	Curve    []Point `json:"curve,omitempty"`

	Late    *Quantiles `json:"late,omitempty"`    // ms after they were due that requests were sent, in an open loop
	Seconds []Second   `json:"seconds,omitempty"` // of the group tail
}

// Quantiles are percentiles; null where there are too few samples.
type Quantiles struct {
	P50 *float64 `json:"p50"`
	P99 *float64 `json:"p99"`
}

// quantilesOf sorts the values; nil of none.
func quantilesOf(values []float64) *Quantiles {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	return &Quantiles{percentile(values, 0.5), percentile(values, 0.99)}
}

// ID names a row in a report.
func (r *Row) ID() string { return r.Group + "/" + r.Name }

// Ratio compares a row with another one of the same run, and with what was aimed at. A zero
// target is none.
type Ratio struct {
	Over     string   `json:"over"` // ID of the floor's row
	P50      *float64 `json:"p50"`
	P99      *float64 `json:"p99"`
	MostP50  float64  `json:"mostP50,omitempty"`
	MostP99  float64  `json:"mostP99,omitempty"`
	LeastP50 float64  `json:"leastP50,omitempty"`
	Met      *bool    `json:"met"` // null: no target, or not measured
}

// Limit is a target for a row's own median.
type Limit struct {
	Most float64 `json:"most"`
	Met  *bool   `json:"met"`
}

// compare fills in the ratios of all rows.
func compare(rows []Row) {
	byID := map[string]*Row{}
	for i := range rows {
		byID[rows[i].ID()] = &rows[i]
	}
	for i := range rows {
		for j := range rows[i].Ratios {
			rows[i].Ratios[j].fill(&rows[i], byID[rows[i].Ratios[j].Over])
		}
		if l := rows[i].Limit; l != nil && rows[i].P50 != nil {
			met := *rows[i].P50 <= l.Most
			l.Met = &met
		}
	}
}

func (r *Ratio) fill(row, floor *Row) {
	if floor == nil {
		return
	}
	r.P50, r.P99 = quotient(row.P50, floor.P50), quotient(row.P99, floor.P99)
	if r.targeted() {
		r.Met = both(both(atMost(r.P50, r.MostP50), atMost(r.P99, r.MostP99)), atLeast(r.P50, r.LeastP50))
	}
}

// atMost says whether a bound is kept: nil is unknown, for want of samples. No bound is kept.
func atMost(got *float64, bound float64) *bool {
	met := true
	switch {
	case bound == 0:
		return &met
	case got == nil:
		return nil
	}
	met = *got <= bound
	return &met
}

func atLeast(got *float64, bound float64) *bool {
	met := true
	switch {
	case bound == 0:
		return &met
	case got == nil:
		return nil
	}
	met = *got >= bound
	return &met
}

// both is false if one is, and unknown if one is and the other is not false.
func both(a, b *bool) *bool {
	switch {
	case a != nil && !*a:
		return a
	case b != nil && !*b:
		return b
	case a == nil:
		return a
	default:
		return b
	}
}

// targeted says whether something was aimed at.
func (r *Ratio) targeted() bool { return r.MostP50 != 0 || r.MostP99 != 0 || r.LeastP50 != 0 }

func quotient(a, b *float64) *float64 {
	if a == nil || b == nil || *b == 0 {
		return nil
	}
	q := *a / *b
	return &q
}
