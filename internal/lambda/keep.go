package lambda

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Tags that say how long instances are kept.
const (
	KeepAliveTag = "lambent:keep-alive"
	P99Tag       = "lambent:p99"
)

// Forever is the keep-alive of instances that only a need for memory ends.
const Forever = time.Duration(math.MaxInt64)

// Bounds of the two settings. What is kept longer than a week is meant to stay; a timeout
// is at most 15 minutes (Developer Guide, "Lambda quotas").
const (
	maxKeepAlive   = 7 * 24 * time.Hour
	minP99, maxP99 = time.Millisecond, 15 * time.Minute
)

// Keep says how long idle instances of a function stay. Its zero value leaves it to the
// server.
type Keep struct {
	Set   bool          // Alive counts
	Alive time.Duration // idle time; 0 = none stays, Forever = all do
	// P99 is within what 99 of 100 requests are to be answered: idle instances stay for as
	// long as it takes to keep cold starts out of them. 0 = no such wish.
	P99 time.Duration
}

var errKeepTwice = errors.New("tags " + KeepAliveTag + " and " + P99Tag + " exclude each other: the second sizes what the first sets")

func parseKeepAlive(value string) (time.Duration, error) {
	if value == "always" {
		return Forever, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 || d > maxKeepAlive {
		return 0, fmt.Errorf("bad idle time %q: use 0s to 168h, 10m for instance, or always", value)
	}
	return d, nil
}

func parseP99(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < minP99 || d > maxP99 {
		return 0, fmt.Errorf("bad duration %q: use 1ms to 15m, within which 99 of 100 requests are to be answered", value)
	}
	return d, nil
}

// set reads one of the two tags.
func (k *Keep) set(name, value string) (err error) {
	if name == KeepAliveTag {
		k.Alive, err = parseKeepAlive(value)
		k.Set = true
	} else {
		k.P99, err = parseP99(value)
	}
	if err == nil && k.Set && k.P99 > 0 {
		err = errKeepTwice
	}
	return err
}
