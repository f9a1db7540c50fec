package microvm

import (
	"context"
	"errors"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
)

var _ sandbox.Reclaimer = (*box)(nil)

// ballooned is a machine with a balloon, which takes memory from its guest: how much of it, in bytes.
// A guest that runs out of memory takes from it again by itself.
type ballooned interface {
	inflate(ctx context.Context, bytes int64) error
}

const (
	// balloonRoom is what is left to a guest beside what commands use and its kernel needs, in bytes.
	balloonRoom = 16 << 20
	// balloonLimit bounds how long a guest may take to give memory away.
	balloonLimit = time.Second
	// balloonStep is the time between two looks; what gives nothing for balloonQuiet of them has given all.
	balloonStep, balloonQuiet = 10 * time.Millisecond, 5
)

// Reclaim implements sandbox.Reclaimer, where the machine has a balloon. Only the guest knows what it
// does not need, so one that is frozen goes on for that long. Thaw gives back what was taken. How
// much there was to get the host's control group says, not the guest.
func (b *box) Reclaim(ctx context.Context) (int64, error) {
	if err := errors.Join(b.Usable(), context.Cause(ctx)); err != nil {
		return 0, err
	}
	b.freezing.Lock()
	defer b.freezing.Unlock()
	m, has := b.machine.(ballooned)
	if !has || !b.frozen || b.taken > 0 {
		return 0, nil
	}
	freed, err := b.shrink(ctx, m)
	if err != nil {
		return freed, b.Explain(ctx, err)
	}
	return freed, nil
}

// spare is what a guest can do without, in bytes.
func (b *box) spare() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.template.hardware().memory - guestOverhead - b.used.Memory - balloonRoom
}

// shrink has the balloon grow and the guest follow. Preconditions: freezing is held, it is frozen.
func (b *box) shrink(ctx context.Context, m ballooned) (freed int64, err error) {
	spare := b.spare()
	if spare <= 0 {
		return 0, nil
	}
	before, err := b.group.Usage()
	if err != nil {
		return 0, err
	}
	if err := b.machine.resume(ctx); err != nil {
		return 0, err
	}
	b.taken = spare
	after := before.Memory
	if err = m.inflate(ctx, spare); err == nil {
		after, err = b.settle(ctx)
	}
	limit, stop := cleanup.Context(ctx, balloonLimit)
	defer stop()
	err = errors.Join(err, b.machine.pause(limit)) // also when nobody waits for it any more
	return max(0, before.Memory-after), err
}

// settle waits until the host gets nothing more, and says what the box has then.
func (b *box) settle(ctx context.Context) (least int64, err error) {
	u, err := b.group.Usage()
	least = u.Memory
	quiet := 0
	for end := time.Now().Add(balloonLimit); err == nil && quiet < balloonQuiet && time.Now().Before(end); quiet++ {
		select {
		case <-time.After(balloonStep):
		case <-ctx.Done():
			return least, context.Cause(ctx)
		}
		if u, err = b.group.Usage(); u.Memory < least {
			least, quiet = u.Memory, 0
		}
	}
	return least, err
}

// giveBack empties the balloon of a guest that goes on. Preconditions: freezing is held.
func (b *box) giveBack(ctx context.Context) error {
	m, has := b.machine.(ballooned)
	if !has || b.taken == 0 {
		return nil
	}
	if err := m.inflate(ctx, 0); err != nil {
		return err
	}
	b.taken = 0
	return nil
}
