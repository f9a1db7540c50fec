package pool

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"lambent.dev/lambent/internal/lambda"
)

// memory is the host's budget. What an instance is given is claimed before it starts
// and freed after it was closed, so that used never exceeds limit. Claims that do not
// fit are met in the order in which they came: a large one is not starved by small
// ones behind it.
type memory struct {
	limit int // MiB; 0 = no limit. Immutable.

	waiting atomic.Int32 // length of queue, to be read without the lock

	mu      sync.Mutex // guards what follows
	used    int        // MiB
	leaving int        // MiB of used that instances will free without being asked
	aside   int        // MiB that provisioned instances have or may claim
	back    bool       // aside became less
	queue   []*claim
}

// claim is a start that waits for memory.
type claim struct {
	ctx   context.Context // of the start: ended when it was called off
	size  int
	ready chan struct{} // closed, under memory.mu, when used includes it
}

// claim takes size MiB, waiting if it must. Before it waits it calls reclaim, which
// may make instances leave.
func (m *memory) claim(ctx context.Context, size int, reclaim func()) error {
	if m.limit > 0 && size > m.limit {
		return tooLarge(size, m.limit)
	}
	c := m.enqueue(ctx, size)
	if c == nil {
		return nil
	}
	reclaim()
	select {
	case <-c.ready:
		return nil
	case <-ctx.Done():
		return m.withdraw(c, context.Cause(ctx))
	}
}

// enqueue takes the memory at once and returns nil, or returns the claim to wait for.
func (m *memory) enqueue(ctx context.Context, size int) *claim {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.takeLocked(size) {
		return nil
	}
	c := &claim{ctx: ctx, size: size, ready: make(chan struct{})}
	m.queue = append(m.queue, c)
	m.waiting.Add(1)
	return c
}

// take takes size MiB if they are free and nobody waits for them.
func (m *memory) take(size int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.takeLocked(size)
}

func (m *memory) takeLocked(size int) bool {
	if len(m.queue) > 0 || !m.fits(size) {
		return false
	}
	m.used += size
	return true
}

// withdraw gives up a claim. One that was met meanwhile counts as met.
func (m *memory) withdraw(c *claim, cause error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(m.queue, c)
	if i < 0 {
		return nil
	}
	m.queue = slices.Delete(m.queue, i, i+1)
	m.waiting.Add(-1)
	m.grant() // it may have been the one that the others waited behind
	return cause
}

// expect notes that size MiB will be freed soon.
func (m *memory) expect(size int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leaving += size
}

// free gives back size MiB, of which expected were announced.
func (m *memory) free(size, expected int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used -= size
	m.leaving -= expected
	m.grant()
}

// grant meets the claims that fit, first come first. Preconditions: mu is held.
func (m *memory) grant() {
	for len(m.queue) > 0 && m.fits(m.queue[0].size) {
		c := m.queue[0]
		m.queue = slices.Delete(m.queue, 0, 1)
		m.waiting.Add(-1)
		m.used += c.size
		close(c.ready)
	}
}

// fits says whether size MiB are free. Preconditions: mu is held.
func (m *memory) fits(size int) bool { return m.limit == 0 || m.used+size <= m.limit }

// short says whether claims wait that what is leaving will not meet. One whose start was called
// off leaves the queue a little later: nothing has to make room for it.
func (m *memory) short() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	wanted := 0
	for _, c := range m.queue {
		if c.ctx.Err() == nil {
			wanted += c.size
		}
	}
	return wanted > 0 && m.used-m.leaving+wanted > m.limit
}

// setAside takes size MiB for provisioned instances, which may be negative; they claim
// it when they start. It is false, and says what is free, where so much cannot be: an
// instance on demand leaves sooner or later, one that is provisioned does not.
func (m *memory) setAside(size int) (free int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if size > 0 && m.limit > 0 && m.aside+size > m.limit {
		return m.limit - m.aside, false
	}
	m.aside += size
	m.back = m.back || size < 0
	return 0, true
}

// returned says, once, whether something that was set aside was given back.
func (m *memory) returned() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.back
	m.back = false
	return was
}

// wanted says whether claims wait.
func (m *memory) wanted() bool { return m.waiting.Load() > 0 }

func (m *memory) inUse() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

// tooLarge is the answer for a function that can never start here.
func tooLarge(size, limit int) error {
	cause := fmt.Errorf("memory size %d MiB exceeds the host's budget of %d MiB", size, limit)
	return lambda.NewError(lambda.ErrService,
		"The function's memory size of %d MB exceeds what this host gives to functions (%d MB). Lower MemorySize or raise the host's budget.",
		size, limit).WithCause(cause)
}
