package bench

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"lambent.dev/lambent/bench/floor"
	"lambent.dev/lambent/bench/lambent"
	"lambent.dev/lambent/bench/load"
)

// take is how one sample is taken.
type take = func(context.Context) (sample, error)

// closers are what a group has to close at its end.
type closers []func() error

func (c *closers) add(f func() error) { *c = append(*c, f) }

// invoking takes samples of a function over one connection. cold demands that each is proved to
// be a cold start, and tells start kinds apart.
func invoking(c *lambent.Caller, cold bool) take {
	return func(context.Context) (sample, error) {
		i, err := c.Invoke()
		return sampled(i, cold), err
	}
}

func sampled(i lambent.Invocation, cold bool) sample {
	got := sample{took: i.Took, refused: i.Refused, held: i.Held, emulated: i.Emulated}
	if cold && i.Refused == "" {
		got.kind, got.notCold = i.Start, !i.Fresh
	}
	return got
}

// asking takes samples of a plain server.
func asking(c *load.Conn, r load.Request) take {
	return func(context.Context) (sample, error) {
		a, err := c.Do(r)
		if err == nil && a.Status != http.StatusOK {
			err = fmt.Errorf("answered %d: %.200s", a.Status, a.Body)
		}
		return sample{took: a.Took}, err
	}
}

// timing takes samples of a floor.
func timing(do func() (floor.Timing, error)) take {
	return func(context.Context) (sample, error) {
		t, err := do()
		return sample{took: t.Took}, err
	}
}

// never is how something is taken that cannot be: its row says why.
func never(err error) take {
	return func(context.Context) (sample, error) { return sample{}, err }
}

// latency is how long a request took that was meant to be sent at a moment.
func latency(meant time.Time, i lambent.Invocation) time.Duration {
	return i.Sent.Add(i.Took).Sub(meant)
}
