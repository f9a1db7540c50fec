package receipt

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Usage is the value of the header X-Lambent-Usage: the peak of the instance's memory in
// bytes, then what is known of Used, times in milliseconds: "memory=38797312, cpu=1.234,
// throttled=0.000, waiting=0.512, faults=12". What the host cannot tell is left out; of
// an instance that ran others at the same time it is "memory=38797312, shared".
func (r *Receipt) Usage() string {
	b := strconv.AppendInt(append(make([]byte, 0, 192), "memory="...), r.MemoryPeak, 10)
	if r.Used.Shared {
		return string(append(b, ", shared"...))
	}
	for _, t := range r.Used.times() {
		if t.amount.Known {
			b = appendName(b, t.name)
			b = strconv.AppendFloat(b, milliseconds(t.amount.Value), 'f', 3, 64)
		}
	}
	for _, c := range r.Used.counts() {
		if c.amount.Known {
			b = strconv.AppendInt(appendName(b, c.name), c.amount.Value, 10)
		}
	}
	return string(b)
}

func appendName(b []byte, name string) []byte {
	b = append(b, ", "...)
	b = append(b, name...)
	return append(b, '=')
}

// maxUsage bounds what ParseUsage reads, in bytes.
const maxUsage = 1024

// ParseUsage reads what Usage wrote into MemoryPeak and Used. Names that it does not know
// are passed over, and what is not there is not known. It is for the other end of the
// wire: CLIs and benchmarks.
func (r *Receipt) ParseUsage(header string) error {
	if len(header) > maxUsage {
		return fmt.Errorf("reading X-Lambent-Usage: %w", errTooLong)
	}
	var peak Amount[int64]
	var used Used
	for part := range strings.SplitSeq(header, ",") {
		if err := used.read(strings.TrimSpace(part), &peak); err != nil {
			return fmt.Errorf("reading X-Lambent-Usage: %w", err)
		}
	}
	r.MemoryPeak, r.Used = peak.Value, used
	return nil
}

// read takes one part of the header.
func (u *Used) read(part string, peak *Amount[int64]) error {
	name, value, _ := strings.Cut(part, "=")
	if part == "shared" {
		*u = Used{Shared: true}
		return nil
	}
	for _, c := range append(u.counts(), named[int64]{"memory", peak}) {
		if c.name == name {
			return readCount(value, c)
		}
	}
	for _, t := range u.times() {
		if t.name == name {
			return readTime(value, t)
		}
	}
	return nil
}

var errBadAmount = errors.New("bad amount")

func readCount(value string, into named[int64]) error {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("%s: %w %q", into.name, errBadAmount, value)
	}
	*into.amount = Of(n)
	return nil
}

func readTime(value string, into named[time.Duration]) error {
	ms, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(ms) || ms < 0 || ms > maxMilliseconds {
		return fmt.Errorf("%s: %w %q", into.name, errBadAmount, value)
	}
	*into.amount = Of(duration(ms))
	return nil
}
