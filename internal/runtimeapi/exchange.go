package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/nowait"
)

// A runtime with one slot is spoken to by the goroutine that invokes: it writes the event
// and reads the answer itself. A goroutine that wrote or read for it would have to be woken,
// which costs more than the system call; so nobody listens between two invocations, and what
// came then is found by the next.

// errUnasked says that a runtime sent something that it was not asked for.
var errUnasked = errors.New("the runtime sent a frame while no invocation ran")

// initialise takes frames until the runtime is ready or has reported that it will not be.
func (l *link) initialise() error {
	for {
		if err := l.next(); err != nil {
			return err
		}
		select {
		case <-l.session.ready:
			return nil
		default:
		}
	}
}

// exchange sends t and takes frames until it is answered. Preconditions: the session is
// reserved for t.
func (l *link) exchange(ctx context.Context, t *turn) error {
	if err := l.quiet(); err != nil {
		l.session.Close(err)
		return l.session.Err()
	}
	return l.bounded(ctx, func() error {
		err := l.send(t)
		for err == nil && !t.finished() {
			err = l.next()
		}
		if t.finished() {
			return nil
		}
		return err
	})
}

// bounded talks until ctx ends. The session is closed with what ends the talk early.
func (l *link) bounded(ctx context.Context, talk func() error) error {
	stop := context.AfterFunc(ctx, func() { _ = l.session.giveUp(ctx) }) // which closes conn
	defer stop()
	err := talk()
	if err == nil {
		return nil
	}
	l.session.Close(err)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return l.session.Err()
}

// send delivers t. A stream that had ended before takes nothing.
func (l *link) send(t *turn) error {
	if err := l.session.deliver(t); err != nil {
		return err
	}
	n, err := l.writeEvent(&t.event, 0)
	if err != nil {
		err = fmt.Errorf("sending an event to the runtime: %w", err)
	}
	if err != nil && n == 0 {
		t.deliver(time.Time{})
	}
	return err
}

// quiet is nil if the stream lives and nothing is on it.
func (l *link) quiet() error {
	if l.in.Buffered() > 0 {
		return errUnasked
	}
	raw := l.conn.Raw()
	if raw == nil {
		return nil // a pipe in memory: writing says whether it has ended
	}
	var waiting error
	if err := raw.Control(func(fd uintptr) { waiting = peek(int(fd)) }); err != nil {
		return err
	}
	return waiting
}

// peek is nil if a socket has nothing to read.
func peek(fd int) error {
	var b [1]byte
	n, err := nowait.Peek(fd, b[:])
	switch {
	case errors.Is(err, unix.EAGAIN):
		return nil
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	}
	return errUnasked
}
