package stem

import (
	"context"
	"errors"
	"sync"
	"time"

	"lambent.dev/lambent/internal/cleanup"
)

const (
	// quiet is how long no sandbox must have been taken before a stem is made: most cold
	// starts are over by then. patience bounds the wait for it.
	quiet    = 10 * time.Millisecond
	patience = 100 * time.Millisecond
	// pause is how long a bed waits after a stem could not be made, or found no memory.
	pause = time.Second
	// look is how often a bed is looked at that nothing was taken from: it may be too full.
	look = 15 * time.Second
)

// bed keeps the stems of one base, or its bare boxes.
type bed struct {
	store *Store
	key   key
	wake  chan struct{} // holds one: look at how many there are

	mu     sync.Mutex // guards what follows
	ready  []*Box     // oldest first
	dead   []*Box     // died while they waited; to be closed
	demand demand
	used   time.Time // last take
	size   int64     // bytes of a stem, as measured
	taken  uint64
	missed uint64
	resume time.Time // nothing is made before
}

// guess is what a stem is thought to use before one was measured, in bytes.
const guess = 16 << 20

func newBed(s *Store, k key) *bed {
	return &bed{store: s, key: k, wake: make(chan struct{}, 1), used: time.Now(), size: guess}
}

// take gives out the oldest stem that lives; nil = there is none.
func (b *bed) take() *Box {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.used = now
	b.demand.take(now)
	defer b.nudge()
	for len(b.ready) > 0 {
		box := b.pop()
		if box.alive() {
			b.taken++
			return box
		}
		b.dead = append(b.dead, box)
	}
	b.missed++
	return nil
}

// pop takes the oldest stem out. Preconditions: mu is held, there is one.
func (b *bed) pop() *Box {
	box := b.ready[0]
	b.ready = b.ready[1:]
	b.store.used.Add(-box.memory)
	return box
}

func (b *bed) nudge() {
	select {
	case b.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// wanted is how many stems are to be ready. Preconditions: mu is held.
func (b *bed) wanted(now time.Time) int {
	bounds := b.store.settings.bounds(b.key)
	return min(max(b.demand.peak(now), bounds.Floor), bounds.Ceiling)
}

// fill makes stems until ctx ends.
func (b *bed) fill(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-b.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		b.thin()
		next := look
		for b.lacks() && ctx.Err() == nil {
			if b.rests() || !b.add(ctx) {
				next = pause
				break
			}
		}
		timer.Reset(next)
	}
}

func (b *bed) lacks() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.ready) < b.wanted(time.Now())
}

// rests says whether nothing is to be made now.
func (b *bed) rests() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Before(b.resume)
}

// add makes one stem; false = it could not.
func (b *bed) add(ctx context.Context) bool {
	began := time.Now()
	b.store.awaitQuiet(ctx)
	size := b.expected()
	if !b.store.reserve(b, size) {
		return false
	}
	defer b.store.used.Add(-size) // by then the stem counts by itself
	template, err := b.store.deps.Templates(ctx, b.key.tier, b.key.base)
	if err == nil {
		b.store.bareBed(b.key.tier, template) // which fills itself
		var box *Box
		if box, err = b.store.make(ctx, template); err == nil {
			return b.put(box, time.Since(began))
		}
	}
	if ctx.Err() == nil {
		b.store.deps.Log.Warn("a sandbox was not made ahead", "isolation", b.key.tier, "preload", b.key.base.Preload, "error", err)
	}
	b.rest(pause)
	return false
}

// awaitQuiet waits until no sandbox was taken for a moment and nothing starts, or for too long.
func (s *Store) awaitQuiet(ctx context.Context) {
	for end := time.Now().Add(patience); ctx.Err() == nil; {
		now, wait := time.Now(), quiet // a look wakes the server beside the start
		if !s.deps.Starting() {
			wait = min(quiet-now.Sub(time.Unix(0, s.taken.Load())), quiet) // the clock may have been set back
		}
		if wait <= 0 || now.After(end) {
			return
		}
		time.Sleep(wait)
	}
}

// put adds a stem to those that are ready; one that uses more than was thought, and more
// than there is, is closed again.
func (b *bed) put(box *Box, took time.Duration) bool {
	size := b.expected()
	fits := box.memory <= size || b.store.reserve(b, box.memory-size)
	b.mu.Lock()
	b.size = box.memory
	b.demand.made(took)
	if fits {
		b.ready = append(b.ready, box)
		b.store.used.Add(min(box.memory, size))
	}
	b.mu.Unlock()
	if !fits {
		b.close([]*Box{box})
	}
	return fits
}

// rest makes nothing for a while.
func (b *bed) rest(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.resume = time.Now().Add(d)
}

// thin closes stems that died, and the oldest of those that are not wanted any more.
func (b *bed) thin() {
	b.mu.Lock()
	gone := b.dead
	b.dead = nil
	kept := b.ready[:0:0]
	surplus := len(b.ready) - b.wanted(time.Now())
	for _, box := range b.ready {
		if surplus > 0 || !box.alive() {
			gone = append(gone, box)
			b.store.used.Add(-box.memory)
			surplus--
			continue
		}
		kept = append(kept, box)
	}
	b.ready = kept
	b.mu.Unlock()
	b.close(gone)
}

// clear closes all stems, and makes none for a while.
func (b *bed) clear() int {
	b.mu.Lock()
	dropped := len(b.ready)
	gone := b.dead
	b.dead = nil
	for len(b.ready) > 0 {
		gone = append(gone, b.pop())
	}
	b.resume = time.Now().Add(pause)
	b.mu.Unlock()
	b.nudge() // to make them again, after the pause
	b.close(gone)
	return dropped
}

// bury has a box closed that was taken and is of no use.
func (b *bed) bury(box *Box) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead = append(b.dead, box)
	b.nudge()
}

// giveUp closes one stem.
func (b *bed) giveUp() bool {
	b.mu.Lock()
	var gone []*Box
	if len(b.ready) > 0 {
		gone = append(gone, b.pop())
	}
	b.mu.Unlock()
	b.close(gone)
	return len(gone) > 0
}

func (b *bed) close(gone []*Box) {
	var failed []error
	for _, box := range gone {
		ctx, stop := cleanup.Context(context.Background(), closeLimit)
		failed = append(failed, box.Close(ctx))
		stop()
	}
	if err := errors.Join(failed...); err != nil {
		b.store.deps.Log.Warn("closing stems", "error", err)
	}
}

func (b *bed) lastUse() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

func (b *bed) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.ready)
}

func (b *bed) expected() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size
}

func (b *bed) stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Stats{
		Tier: b.key.tier, Preload: b.key.base.Preload, Bare: b.key.bare, Ready: len(b.ready), Wanted: b.wanted(time.Now()),
		Taken: b.taken, Missed: b.missed,
	}
}
