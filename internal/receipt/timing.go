package receipt

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ServerTiming is the value of the header Server-Timing: every phase in order, but for
// those of machines only where they took time, and their total, in milliseconds with three decimals. Source: W3C Server Timing, "The
// Server-Timing Header Field".
func (r *Receipt) ServerTiming() string {
	b := make([]byte, 0, 160)
	for p, d := range r.Parts {
		b = appendMetric(b, p.String(), d)
		b = append(b, ", "...)
	}
	return string(appendMetric(b, "total", r.Wall()))
}

func appendMetric(b []byte, name string, d time.Duration) []byte {
	b = append(b, name...)
	b = append(b, ";dur="...)
	return strconv.AppendFloat(b, milliseconds(d), 'f', 3, 64)
}

// maxTiming bounds what ParseServerTiming reads, in bytes.
const maxTiming = 1024

var errTooLong = errors.New("longer than 1024 bytes")

// ParseServerTiming reads what ServerTiming wrote into the phases of r; a phase that
// is not named becomes zero, and metrics that are no phase are passed over. It is for
// the other end of the wire: CLIs and benchmarks.
func (r *Receipt) ParseServerTiming(header string) error {
	if len(header) > maxTiming {
		return fmt.Errorf("reading Server-Timing: %w", errTooLong)
	}
	var spent [phases]time.Duration
	for metric := range strings.SplitSeq(header, ",") {
		if err := parseMetric(strings.TrimSpace(metric), &spent); err != nil {
			return fmt.Errorf("reading Server-Timing: %w", err)
		}
	}
	r.Spent = spent
	return nil
}

func parseMetric(metric string, spent *[phases]time.Duration) error {
	name, dur, found := strings.Cut(metric, ";dur=")
	p, known := phaseOf(name)
	if !found || !known {
		return nil
	}
	ms, err := strconv.ParseFloat(dur, 64)
	if err != nil || math.IsNaN(ms) || ms < 0 || ms > maxMilliseconds {
		return fmt.Errorf("%s: bad duration %q", name, dur)
	}
	spent[p] = duration(ms)
	return nil
}

// maxMilliseconds is a year: no invocation takes longer, and it fits a Duration.
const maxMilliseconds = 365 * 24 * 3600 * 1000

func phaseOf(name string) (Phase, bool) {
	for p, n := range phaseNames {
		if n == name {
			return Phase(p), true
		}
	}
	return 0, false
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// duration rounds to microseconds, the precision of the written forms, and keeps to
// what an invocation can take.
func duration(ms float64) time.Duration {
	ms = min(max(ms, 0), maxMilliseconds)
	return time.Duration(math.Round(ms*1000)) * time.Microsecond
}
