package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// sample is one thing that happened.
type sample struct {
	took    time.Duration
	kind    string        // how Lambent started the instance; "" where that means nothing
	notCold bool          // it should have been a cold start and has not proved it
	refused string        // the reason of a throttle; "" = it ran
	held    time.Duration // by a quota of CPU
	meant   time.Time     // when it was due, in an open loop
	late    time.Duration // after that it was sent
	// emulated is a sample of an emulated processor's.
	emulated bool
}

// contender is something that is measured by turns with others.
type contender struct {
	row   Row // name, events, unit and ratios
	take  func(context.Context) (sample, error)
	many  func(context.Context) ([]sample, error) // in the place of take: a slice of requests
	rate  func(context.Context) (float64, error)  // in the place of take: a number that is no duration
	turn  int                                     // samples in a turn; 0 = as the group says
	most  int                                     // samples back to back; 0 = all of a turn. The rest of them are turns of their own
	slow  bool                                    // takes long and has no target: a short turn where the group says so
	every int                                     // has a turn in every so many rounds; 0 = 1
	// kinds are the ratios of rows of one start kind, in the place of the row's own.
	kinds map[string][]Ratio
}

// series is what was seen of a contender. It belongs to one goroutine.
type series struct {
	contender
	values  map[string][]float64 // by start kind, in the row's unit
	failed  error                // it takes no more turns
	refused map[string]int       // by reason
	held    time.Duration
	notCold int
	timed   timed         // of an open loop
	paced   []float64     // values of finished turns as multiples of the pace around them
	turned  int           // how many values were there when the turn began
	longest time.Duration // turn
}

func newSeries(c contender) *series {
	return &series{contender: c, values: map[string][]float64{}, timed: timed{}, refused: map[string]int{}}
}

// add keeps a sample.
func (s *series) add(got sample) {
	s.row.Emulated = s.row.Emulated || got.emulated
	s.held += got.held
	switch {
	case got.refused != "":
		s.refused[got.refused]++
	case got.notCold:
		s.notCold++
	default:
		s.values[got.kind] = append(s.values[got.kind], milliseconds(got.took))
		s.timed.add(got)
	}
}

// addValue keeps a value that is no duration.
func (s *series) addValue(v float64) { s.values[""] = append(s.values[""], v) }

// rows makes a row of each start kind that was seen; one row at least.
func (s *series) rows() []Row {
	if s.row.Unit == "" {
		s.row.Unit = "ms"
	}
	if why := s.missing(); why != "" {
		row := s.row
		row.Missing = why
		row.NotCold = s.notCold
		return []Row{row}
	}
	var all []Row
	for i, kind := range slices.Sorted(maps.Keys(s.values)) {
		row := s.row.of(s.values[kind])
		if kind != "" {
			row.Name += ", " + kind
		}
		if ratios, ok := s.kinds[kind]; ok {
			row.Ratios = slices.Clone(ratios)
		}
		if i == 0 {
			row.NotCold = s.notCold
		}
		if kind == "" {
			row.Late = s.timed.lateness()
			row.OverFloor = quantilesOf(s.paced)
		}
		all = append(all, row)
	}
	return all
}

// missing says why there is no row: a tail that was throttled is worth nothing.
func (s *series) missing() string {
	switch {
	case s.failed != nil:
		return oneLine(s.failed.Error())
	case len(s.refused) > 0:
		return "throttled: " + counted(s.refused)
	case s.held > 0:
		return fmt.Sprintf("throttled: held back for %.1f ms by a quota of CPU", milliseconds(s.held))
	case len(s.values) == 0 && s.notCold > 0:
		return fmt.Sprintf("none of %d starts was proved to be cold", s.notCold)
	case len(s.values) == 0:
		return "there was no time for a sample"
	}
	return ""
}

// of is the row of some values, which it sorts.
func (r Row) of(values []float64) Row {
	slices.Sort(values)
	r.N = len(values)
	r.P50, r.P90 = percentile(values, 0.5), percentile(values, 0.9)
	r.P99, r.P999 = percentile(values, 0.99), percentile(values, 0.999)
	r.P99Range = rangeOf(values, 0.99)
	r.Curve = curve(values)
	r.Ratios = slices.Clone(r.Ratios)
	return r
}

// counted lists reasons with how often, as "3 × A, 1 × B".
func counted(reasons map[string]int) string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		parts = append(parts, fmt.Sprintf("%d × %s", reasons[reason], reason))
	}
	return strings.Join(parts, ", ")
}

// oneLine keeps the beginning of an error's text: a row has one line for it.
func oneLine(text string) string {
	const most = 300
	line := strings.Join(strings.Fields(text), " ")
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	return line
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
