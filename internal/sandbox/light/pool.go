package light

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

const (
	// poolPause is how long a pool waits after it failed to make something.
	poolPause = time.Second
	// poolCalm is how long a pool that grew must not run dry before it shrinks.
	poolCalm = time.Minute
)

var errPoolClosed = errors.New("the pool is closed")

// stock says what a pool holds.
type stock[T any] struct {
	name        string
	least, most int // how many wait: the least at first, twice as many after each time that none did
	make        func(context.Context) (T, error)
	free        func(T)
}

// pool makes things ahead of time that are slow to make now and then: network
// namespaces, volumes. One goroutine fills it and ends with close.
type pool[T any] struct {
	stock[T]
	log   *slog.Logger
	ready chan T
	wake  chan struct{} // holds one: look at how many wait
	stop  context.CancelCauseFunc
	ended chan struct{}

	mu     sync.Mutex // protects the fields below
	want   int        // how many are to wait
	dry    bool       // since the last look at whether it is calm
	closed bool
}

func newPool[T any](s stock[T], log *slog.Logger) *pool[T] {
	ctx, stop := context.WithCancelCause(context.Background())
	p := &pool[T]{
		stock: s, log: log, ready: make(chan T, s.most), wake: make(chan struct{}, 1),
		stop: stop, ended: make(chan struct{}), want: s.least,
	}
	go p.fill(ctx)
	return p
}

func (p *pool[T]) fill(ctx context.Context) {
	defer close(p.ended)
	calm := time.NewTicker(poolCalm)
	defer calm.Stop()
	for ctx.Err() == nil {
		if len(p.ready) < p.wanted() {
			p.add(ctx)
			continue
		}
		select {
		case <-p.wake:
		case <-calm.C:
			p.shrink()
		case <-ctx.Done():
		}
	}
}

// add makes one more. What was given back meanwhile may have taken its room.
func (p *pool[T]) add(ctx context.Context) {
	one, err := p.make(ctx)
	if err != nil {
		p.failed(ctx, err)
		return
	}
	select {
	case p.ready <- one:
	default:
		p.free(one)
	}
}

func (p *pool[T]) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	p.log.Warn("making a "+p.name+" ahead failed", "error", err)
	timer := time.NewTimer(poolPause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// take returns one that waits, or makes one.
func (p *pool[T]) take(ctx context.Context) (T, error) {
	if one, ok := p.waiting(); ok {
		p.look()
		return one, nil
	}
	p.grow()
	return p.make(ctx)
}

// give puts one back that is as good as new; false = there are enough, it stays the
// caller's.
func (p *pool[T]) give(one T) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	select {
	case p.ready <- one:
		return true
	default:
		return false
	}
}

func (p *pool[T]) waiting() (one T, ok bool) {
	select {
	case one = <-p.ready:
		return one, true
	default:
		return one, false
	}
}

// look makes fill look at how many wait.
func (p *pool[T]) look() {
	select {
	case p.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

func (p *pool[T]) wanted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.want
}

func (p *pool[T]) grow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.want, p.dry = min(2*p.want, p.most), true
	p.look()
}

// shrink frees half of what waits beyond the least, unless the pool ran dry since it was
// last called.
func (p *pool[T]) shrink() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dry {
		p.dry = false
		return
	}
	p.want = max(p.want/2, p.least)
	for len(p.ready) > p.want {
		if one, ok := p.waiting(); ok {
			p.free(one)
		}
	}
}

// close ends the filling and frees what waits. What is taken later is made anew.
func (p *pool[T]) close() {
	p.stop(errPoolClosed)
	<-p.ended
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	for {
		one, ok := p.waiting()
		if !ok {
			return
		}
		p.free(one)
	}
}
