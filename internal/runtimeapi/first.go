package runtimeapi

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/lambda"
)

// First is the first invocation of a runtime that is being started: its event is sent before
// the runtime has initialised itself.
type First struct {
	session *Session
	link    *link
	raw     syscall.RawConn
	turn    *turn
	ready   func()

	gate sync.Mutex // held while frames are taken that may end the initialisation
	told bool       // ready was called
}

// maxAhead is how long an event may be that is sent ahead, in bytes: a socket takes that in at
// once (net.core.wmem_default is some 200 KiB), so that whoever sends it waits for nobody.
const maxAhead = 32 << 10

// NewFirst prepares e to be sent over conn, the stream of a runtime that has just been given its
// workload, or is about to be. ready is called once, when the runtime's Ready has been taken or
// seen. A conn that cannot be looked into without taking from it, and an event that is too long to be
// sent ahead, are refused with errors.ErrUnsupported, conn untouched. The session is not shared.
func (s *Session) NewFirst(conn net.Conn, e Event, sink lambda.Sink, ready func()) (*First, error) {
	c, ok := conn.(syscall.Conn)
	if !ok || len(e.Payload)+len(e.ClientContext)+len(e.Identity) > maxAhead {
		return nil, errors.ErrUnsupported
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	l := newLink(s, conn, 1)
	l.ahead = true
	s.attach(l)
	go func() { <-s.closed; _ = conn.Close() }() // ends with the session
	return &First{session: s, link: l, raw: raw, turn: newTurn(e, sink), ready: ready}, nil
}

// Send sends the event. Seen is to be called before output is written down from then on.
func (f *First) Send() {
	_, _ = f.link.writeEvent(&f.turn.event, 0) // a runtime that does not hear it ends, and the stream says so
}

// Seen looks whether the runtime has said that it is ready, and calls ready if so. Who writes
// down what the function prints calls it before: what was there before Ready is the
// initialisation's.
func (f *First) Seen() {
	f.gate.Lock()
	defer f.gate.Unlock()
	if !f.told && f.hasReady() {
		f.tell()
	}
}

// tell calls ready once. Preconditions: gate is held.
func (f *First) tell() {
	if !f.told {
		f.told = true
		f.ready()
	}
}

// hasReady says whether Ready has come and is not taken yet. Preconditions: gate is held.
func (f *First) hasReady() bool {
	if f.link.in.Buffered() == 0 {
		return f.peeksReady()
	}
	kind, _ := f.link.in.Peek(1) // it is there
	return kind[0] == frameReady
}

// peeksReady says whether Ready is on the stream, alone or after Begun.
func (f *First) peeksReady() (ready bool) {
	var b [headerSize + 1]byte
	_ = f.raw.Control(func(fd uintptr) {
		n, _, _ := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		head := b[:max(n, 0)]
		if bytes.HasPrefix(head, []byte{frameBegun}) && len(head) > headerSize {
			head = head[headerSize:]
		}
		ready = bytes.HasPrefix(head, []byte{frameReady})
	})
	return ready
}

// Initialise waits until the runtime is ready or has reported that it will not be: see
// InitError. The error of a ctx that ends first is its cause; the runtime is then to be ended.
func (f *First) Initialise(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = f.link.conn.SetReadDeadline(time.Unix(1, 0)) })
	err := f.initialise()
	switch {
	case !stop():
		return context.Cause(ctx)
	case err != nil:
		f.session.Close(err)
		return f.session.Err()
	}
	return nil
}

func (f *First) initialise() error {
	for {
		if err := f.step(); err != nil {
			return err
		}
		select {
		case <-f.session.ready:
			return nil
		default:
		}
	}
}

// Answers says whether the runtime answers within d.
func (f *First) Answers(d time.Duration) bool {
	_ = f.link.conn.SetReadDeadline(time.Now().Add(d)) // fails when closed; then reading does, too
	err := f.awaitSome()
	_ = f.link.conn.SetReadDeadline(time.Time{})
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// step takes one frame of the initialisation. What stands on the stream is taken and told of in
// one step: who looks in between sees one or the other.
func (f *First) step() error {
	if err := f.awaitSome(); err != nil {
		return err
	}
	f.gate.Lock()
	defer f.gate.Unlock()
	if err := f.link.next(); err != nil {
		return err
	}
	if f.session.rests() {
		f.tell()
	}
	return nil
}

// awaitSome waits until there is something to read.
func (f *First) awaitSome() error {
	if f.link.in.Buffered() > 0 {
		return nil
	}
	return f.raw.Read(func(fd uintptr) bool { return peek(int(fd)) != nil })
}

// Deliver notes that an initialised runtime has the event from here on. After an error nobody
// waits for an answer.
func (f *First) Deliver() error {
	if _, err := f.session.reserve(); err != nil {
		return err
	}
	return f.session.deliver(f.turn)
}

// Answer waits for the answer to an event that was delivered, as Invoke does.
func (f *First) Answer(ctx context.Context) (Outcome, error) {
	defer f.session.release()
	f.link.ahead = false
	err := f.link.bounded(ctx, func() (err error) {
		for err == nil && !f.turn.finished() {
			err = f.link.next()
		}
		if f.turn.finished() {
			return nil
		}
		return err
	})
	return f.turn.revoke(), err
}
