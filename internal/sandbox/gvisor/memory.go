package gvisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/cgroup"
)

const (
	// reserve is what a box may use above its limit while its commands are killed, in bytes: at
	// the limit gVisor itself stands still. It is given reserves times at most.
	reserve, reserves = 64 << 20, 4
	// starveLimit bounds how long killing them takes.
	starveLimit = 5 * time.Second
	// lowerLimit bounds how long what they used may take to be free.
	lowerLimit = 5 * time.Second
	// lowerAgain is how long a limit that is still passed waits.
	lowerAgain = 10 * time.Millisecond
)

var errMemory = errors.New("its memory limit was reached and its commands could not be killed: out of memory")

// guardMemory has the box outlive its memory limit where the host's kernel lets it: there, what
// reaches it stands still until the agent has killed the commands. Elsewhere the kernel kills,
// and the largest process is gVisor.
func (b *box) guardMemory(undo *cleanup.Stack) error {
	if !b.template.driver.has(MemoryLimit) {
		return nil
	}
	hold, err := b.group.HoldAtLimit()
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	undo.Add(hold.Close)
	b.hold = hold
	return nil
}

// keepMemory acts on the hold until the box's end closes it.
func (b *box) keepMemory() {
	if b.hold == nil {
		return
	}
	reached := make(chan struct{}, 1)
	go func() { // ends with the hold
		defer close(reached)
		for b.hold.Wait() == nil {
			reached <- struct{}{}
		}
	}()
	for range reached {
		b.mu.Lock()
		b.starved++
		b.mu.Unlock()
		if err := b.starve(reached); err != nil {
			b.KillFor(b.Named(err))
		}
	}
}

// starve kills the commands, as the memory limit would, and lowers the limit again.
func (b *box) starve(reached <-chan struct{}) error {
	b.limiting.Lock()
	defer b.limiting.Unlock()
	ctx, stop := context.WithTimeoutCause(context.Background(), starveLimit, errMemory)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- b.Starve(ctx) }()
	limit := b.limited
	for range reserves {
		limit.Memory += reserve
		if err := b.group.SetLimits(limit); err != nil {
			return err
		}
		select {
		case err := <-done:
			return errors.Join(err, b.lower(reached))
		case _, more := <-reached:
			if !more {
				return nil
			}
		}
	}
	return errMemory
}

// lower sets the box's own limit again as soon as it holds: gVisor frees by and by. That a limit is
// reached is told late sometimes, of the time before the commands had ended; if it is so now, the own limit
// does not hold until the time is up.
func (b *box) lower(reached <-chan struct{}) error {
	for end := time.Now().Add(lowerLimit); ; {
		err := b.group.SetLimits(b.limited)
		switch {
		case err == nil:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("%w: %w", errMemory, err)
		}
		select {
		case _, more := <-reached:
			if !more {
				return nil
			}
		case <-time.After(lowerAgain):
		}
	}
}

// setGroup sets the group's limits.
func (b *box) setGroup(l cgroup.Limits) error {
	b.limiting.Lock()
	defer b.limiting.Unlock()
	b.limited = l
	return b.group.SetLimits(l)
}
