package bill

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Sentences say what a statement comes to, for people.
func (s *Statement) Sentences() []string {
	t := &s.Total
	if t.Invocations == 0 {
		return []string{"No reports were found: the logs hold no REPORT line and no platform.report."}
	}
	said := []string{fmt.Sprintf("%s of %s%s cost %s: %s for the requests, %s for %s GB-seconds.", Count(t.Invocations, "invocation"),
		Count(int64(len(s.Functions)), "function"), s.during(), USD(t.USD), USD(t.RequestUSD), USD(t.DurationUSD), grouped(t.GBSeconds))}
	said = append(said, s.starts()...)
	if t.DurationUSD > 0 {
		said = append(said, fmt.Sprintf("%s (%s of the duration) paid for memory that no invocation ever used.", USD(t.UnusedUSD), share(t.UnusedUSD, t.DurationUSD)))
	}
	if t.ReadyUSD > 0 {
		said = append(said, fmt.Sprintf("%s paid for provisioned concurrency, %s of it (%s) while it stood idle.", USD(t.ReadyUSD), USD(t.ReadyIdleUSD), share(t.ReadyIdleUSD, t.ReadyUSD)))
	}
	return append(said, s.hereSentences()...)
}

// span is from the first request to the last answer; zero where the logs do not say.
func (s *Statement) span() (first, last time.Time) {
	for _, f := range s.Functions {
		if !f.First.IsZero() && (first.IsZero() || f.First.Before(first)) {
			first = f.First
		}
		if f.Last.After(last) {
			last = f.Last
		}
	}
	return first, last
}

func (s *Statement) during() string {
	first, last := s.span()
	if first.IsZero() {
		return ""
	}
	return fmt.Sprintf(" from %s to %s", first.Format("2006-01-02 15:04"), last.Format("2006-01-02 15:04"))
}

func (s *Statement) starts() []string {
	t := &s.Total
	if t.Cold+t.Restores == 0 {
		return []string{"No request met a cold start."}
	}
	text := fmt.Sprintf("%s (%s) met a cold start and waited %s in all", Count(t.Cold+t.Restores, "request"), share(float64(t.Cold+t.Restores), float64(t.Invocations)), Long(t.WaitSeconds))
	if t.InitUSD == 0 {
		return []string{text + "; INIT was not billed."}
	}
	return []string{text + fmt.Sprintf("; %s (%s of the duration) paid for INIT.", USD(t.InitUSD), share(t.InitUSD, t.DurationUSD))}
}

func (s *Statement) hereSentences() []string {
	h := &s.Here
	if h.Requests == 0 {
		return []string{"The logs say not when requests came, so they cannot be replayed."}
	}
	said := []string{fmt.Sprintf("Here, instances that stay %s without work would have started %s for the same requests, and %d would have lived at once, %s on average.",
		Long(h.KeepAliveSeconds), Count(h.Starts, "time"), h.Most, trimmed(h.Average))}
	for _, t := range h.Tiers {
		said = append(said, t.sentence())
	}
	return said
}

func (t *TierHere) sentence() string {
	if t.Missing != "" {
		return fmt.Sprintf("In %s: not measured, %s.", t.Tier, t.Missing)
	}
	text := fmt.Sprintf("In %s those starts would have taken %s in all, %s ms each (p99 %s), beside what the functions' own code needs to initialise.", t.Tier, Long(t.WaitSeconds), trimmed(t.P50), trimmed(t.P99))
	if t.Emulated {
		text += " This is software emulation, no real microVM's cost."
	}
	return text
}

// USD prints money: in cents from ten cents on, else in two digits that count.
func USD(v float64) string {
	if v != 0 && math.Abs(v) < 0.1 {
		return "$" + strconv.FormatFloat(roundTo(v, 2), 'f', -1, 64)
	}
	return "$" + groupedFixed(v, 2)
}

// Count prints a number of things.
func Count(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return groupedFixed(float64(n), 0) + " " + thing
}

// Long prints a time in seconds in a unit that fits.
func Long(seconds float64) string {
	switch {
	case seconds < 1:
		return trimmed(seconds*1000) + " ms"
	case seconds < 120:
		return trimmed(seconds) + " s"
	case seconds < 7200:
		return trimmed(seconds/60) + " minutes"
	}
	return trimmed(seconds/3600) + " hours"
}

// trimmed prints three digits that count.
func trimmed(v float64) string { return strconv.FormatFloat(roundTo(v, 3), 'f', -1, 64) }

func grouped(v float64) string {
	if v < 1000 {
		return trimmed(v)
	}
	return groupedFixed(v, 0)
}

func roundTo(v float64, digits int) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if math.Abs(v) >= math.Pow10(digits) {
		return math.Round(v)
	}
	return rounded
}

func groupedFixed(v float64, decimals int) string {
	whole, part, found := strings.Cut(strconv.FormatFloat(v, 'f', decimals, 64), ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		whole += "." + part
	}
	return whole
}

func share(part, whole float64) string {
	if whole == 0 {
		return "0 %"
	}
	return trimmed(100*part/whole) + " %"
}
