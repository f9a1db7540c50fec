package replies

import (
	"context"
	"sync"

	"lambent.dev/lambent/internal/sandbox"
)

// Table has the requests that wait for a reply, by their numbers. Its methods may be called from
// many goroutines.
type Table[M any] struct {
	ended <-chan struct{} // closed when no reply comes any more

	mu      sync.Mutex // protects the fields below
	last    uint64     // number of a request
	waiting map[uint64]chan M
}

// New returns a table of a conversation that ends when ended is closed.
func New[M any](ended <-chan struct{}) *Table[M] {
	return &Table[M]{ended: ended, waiting: make(map[uint64]chan M)}
}

// Number returns that of a request whose reply nobody waits for.
func (t *Table[M]) Number() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	return t.last
}

// Expect returns the number of a request whose reply is waited for. Call Forget with it.
func (t *Table[M]) Expect() (number uint64, reply <-chan M) {
	room := make(chan M, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	t.waiting[t.last] = room
	return t.last, room
}

// Forget drops a reply that nobody waits for any more.
func (t *Table[M]) Forget(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, number)
}

// Deliver hands a reply to who waits for it, and drops it where nobody does. It never blocks.
func (t *Table[M]) Deliver(number uint64, m M) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := t.waiting[number]; room != nil {
		delete(t.waiting, number)
		room <- m
	}
}

// Await returns a reply, the cause of ctx, or sandbox.ErrClosed when the conversation has ended
// without it.
func (t *Table[M]) Await(ctx context.Context, reply <-chan M) (m M, err error) {
	select {
	case m = <-reply:
		return m, nil
	case <-ctx.Done():
		return m, context.Cause(ctx)
	case <-t.ended:
	}
	select {
	case m = <-reply: // it was the last that came
		return m, nil
	default:
		return m, sandbox.ErrClosed
	}
}
