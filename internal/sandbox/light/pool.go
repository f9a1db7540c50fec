package light

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// poolPause is how long a pool waits after it failed to make something.
const poolPause = time.Second

var errPoolClosed = errors.New("the template is closed")

// pool makes things ahead of time that are slow to make now and then: network
// namespaces, volumes. One goroutine fills it and ends with close.
type pool[T any] struct {
	name  string
	make  func(context.Context) (T, error)
	free  func(T)
	log   *slog.Logger
	ready chan T
	stop  context.CancelCauseFunc
	ended chan struct{}
}

func newPool[T any](name string, size int, log *slog.Logger, build func(context.Context) (T, error), free func(T)) *pool[T] {
	ctx, stop := context.WithCancelCause(context.Background())
	p := &pool[T]{
		name: name, make: build, free: free, log: log,
		ready: make(chan T, size), stop: stop, ended: make(chan struct{}),
	}
	go p.fill(ctx)
	return p
}

func (p *pool[T]) fill(ctx context.Context) {
	defer close(p.ended)
	for ctx.Err() == nil {
		one, err := p.make(ctx)
		if err != nil {
			p.failed(ctx, err)
			continue
		}
		select {
		case p.ready <- one:
		case <-ctx.Done():
			p.free(one)
		}
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
	select {
	case one := <-p.ready:
		return one, nil
	default:
		return p.make(ctx)
	}
}

// close ends the filling and frees what waits. What is taken later is made anew.
func (p *pool[T]) close() {
	p.stop(errPoolClosed)
	<-p.ended
	for {
		select {
		case one := <-p.ready:
			p.free(one)
		default:
			return
		}
	}
}
