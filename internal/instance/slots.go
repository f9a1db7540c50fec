package instance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimeapi"
	"lambent.dev/lambent/internal/sandbox"
)

// acquire takes n slots. ErrBusy if fewer are free; an error that wraps ErrGone if the
// instance ended, or takes nothing because it empties itself.
func (i *Instance) acquire(n int) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return i.err
	}
	if i.tainted {
		return fmt.Errorf("%w: %s takes nothing until what runs in it has ended: one invocation timed out", ErrGone, i.id)
	}
	if i.running+n > i.target.Slots() {
		return ErrBusy
	}
	if i.running == 0 {
		i.idle = make(chan struct{})
	}
	i.running += n
	return nil
}

// release gives n slots back. The last one of an instance that empties itself resets it.
func (i *Instance) release(n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.tainted && i.running == n {
		i.mu.Unlock()
		i.replaceLife(i.life.Load())
		i.mu.Lock()
		i.tainted = false
	}
	if i.running -= n; i.running == 0 {
		close(i.idle)
	}
}

// overdue deals with an invocation that timed out. Alone, it is ended with its process.
// Among others it runs on, and so do they; the instance takes no more, and is reset when
// they have ended.
func (i *Instance) overdue(l *life, delivered bool) {
	if !i.target.Shared() {
		i.replaceLife(l)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tainted = i.tainted || delivered
}

// replaceLife resets the instance if l is still what runs in it; the next invocation
// starts the runtime again.
func (i *Instance) replaceLife(l *life) {
	_ = i.turnover.lock(context.Background()) // whoever has it is bounded
	defer i.turnover.unlock()
	if l != nil && i.life.Load() == l {
		i.reset()
	}
}

// connectSlots gives a runtime that takes many invocations its streams: one with all
// slots, or where each has a worker of its own one for each, the first at once.
func (i *Instance) connectSlots(ctx context.Context, l *life) error {
	conn, err := i.openStream(ctx, l)
	if err != nil {
		return err
	}
	streams, slots := i.target.Slots(), 1
	if i.launch.Direct {
		streams, slots = 1, i.target.Slots()
	}
	var serving sync.WaitGroup
	serving.Go(func() { i.serveStream(l, conn, slots) })
	for range streams - 1 {
		serving.Go(func() { i.serveStream(l, nil, slots) })
	}
	go func() { // ends with the session or its last stream
		serving.Wait()
		l.session.Close(errExited)
	}()
	return nil
}

// serveStream serves a stream, and as long as its worker has been of use another in its
// place, until the session ends. A nil conn is opened.
func (i *Instance) serveStream(l *life, conn net.Conn, slots int) {
	ctx, cancel := l.context()
	defer cancel()
	for {
		if conn == nil {
			var err error
			if conn, err = i.box.Open(ctx); err != nil {
				return
			}
		}
		served, _ := l.session.ServeSlots(conn, slots) // who waits is told
		if !served || i.launch.Direct {
			return
		}
		conn = nil
	}
}

// context ends with the life's session, or by the function that comes with it.
func (l *life) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() { // ends with either
		select {
		case <-l.session.Done():
			cancel(errExited)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// workerFault is why a worker ended whose runtime goes on. A kill for lack of memory
// shows in the box's count.
func (i *Instance) workerFault() *fault {
	if i.killedForMemory() {
		return exitFault(sandbox.Exit{OutOfMemory: true}, i.target.Version.MemorySize)
	}
	return exitFault(sandbox.Exit{}, 0)
}

// newSession makes the session of a new life.
func newSession(t *lambda.Target) *runtimeapi.Session {
	if t.Shared() {
		return runtimeapi.NewSharedSession()
	}
	return runtimeapi.NewSession()
}

// lostWorker reports whether an error of a session says that one worker of several
// ended. A direct stream is the only one: its end is the runtime's.
func (i *Instance) lostWorker(err error) bool {
	return errors.Is(err, runtimeapi.ErrWorkerLost) && !i.launch.Direct
}

// latch is a lock that can be waited for as long as a context lasts.
type latch chan struct{}

func newLatch() latch { return make(latch, 1) }

func (l latch) lock(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l latch) unlock() { <-l }
