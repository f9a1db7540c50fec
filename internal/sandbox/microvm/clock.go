package microvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"lambent.dev/lambent/internal/sandbox/agent"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

// errClock says that a guest's seconds are not the host's. A kernel finds out when it boots how fast
// its processor counts, and is wrong now and then where an emulated one had to wait for a busy host
// meanwhile: in one of 64 boots beside seven others its clock ran 4.4 times too fast. All that goes
// on from a snapshot has its clock.
var errClock = errors.New("the guest's clock does not keep time")

const (
	clockTolerance = 0.02 // a share of the host's second
	clockPause     = 20 * time.Millisecond
	// clockBoots bounds how many guests are booted until one keeps time.
	clockBoots = 3
)

// moment is when a guest was asked for its time, what it said, and when that was known.
type moment struct {
	asked, known time.Time
	guest        time.Duration
}

// keepsTime compares a guest's clock with the host's until there is no doubt.
func keepsTime(ctx context.Context, c *agent.Control) error {
	first, err := momentOf(ctx, c)
	if err != nil {
		return err
	}
	for {
		select {
		case <-time.After(clockPause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		now, err := momentOf(ctx, c)
		if err != nil {
			return err
		}
		switch least, most := now.pace(first); {
		case least >= 1-clockTolerance && most <= 1+clockTolerance:
			return nil
		case least > 1+clockTolerance, most < 1-clockTolerance:
			return fmt.Errorf("%w: %.2f to %.2f seconds pass in it in a second", errClock, least, most)
		}
	}
}

func momentOf(ctx context.Context, c *agent.Control) (m moment, err error) {
	m.asked = time.Now()
	answer, err := c.Call(ctx, &agentproto.Request{Usage: &agentproto.Usage{}})
	m.known = time.Now()
	if err == nil && answer.Used == nil {
		err = errors.New("the agent does not say what is used")
	}
	if err == nil {
		m.guest = time.Duration(answer.Used.Uptime)
	}
	return m, err
}

// pace returns bounds of how many seconds passed in a guest since another moment, in one of the host's.
func (m moment) pace(since moment) (least, most float64) {
	passed := float64(m.guest - since.guest)
	return passed / float64(m.known.Sub(since.asked)), passed / float64(m.asked.Sub(since.known))
}

// bootID changes when the host boots. How fast its processor counts is in a snapshot.
func bootID() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text)), err
}
