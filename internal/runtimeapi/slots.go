package runtimeapi

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// ServeSlots speaks the framed codec over conn, one of the streams of a shared session,
// on which up to slots invocations run at once, until the stream or the session ends.
// What is on the stream then is answered with ErrWorkerLost; the session stays. served
// says whether the worker behind the stream was ever ready.
func (s *Session) ServeSlots(conn net.Conn, slots int) (served bool, err error) {
	l := newLink(s, conn, slots)
	l.free, l.turns = make(chan uint16, slots), make([]*turn, slots)
	l.ended, l.end = context.WithCancelCause(context.Background())
	stop := context.AfterFunc(l.ended, func() { _ = conn.Close() })
	defer stop()
	var writer sync.WaitGroup
	writer.Go(l.sendMany)
	err = l.receive()
	l.close()
	writer.Wait()
	return l.ready, err
}

// sendMany writes what the host invokes, as long as there are free slots. It ends the
// stream when the session ends.
func (l *link) sendMany() {
	defer l.end(io.EOF)
	for {
		slot, ok := l.await()
		if !ok {
			return
		}
		t, err := l.session.take(l.ended)
		if err != nil {
			return
		}
		if !l.put(slot, t) {
			return
		}
		if _, err := l.writeEvent(&t.event, slot); err != nil {
			return // close tells who waits for t
		}
	}
}

// await waits for a free slot; false when the stream or the session has ended.
func (l *link) await() (uint16, bool) {
	select {
	case slot := <-l.free:
		return slot, true
	case <-l.ended.Done():
	case <-l.session.closed:
	}
	return 0, false
}

// open frees all slots of a link whose worker says that it is ready, once.
func (l *link) open() error {
	if l.free == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ready {
		return fmt.Errorf("frame %#02x: the worker was ready before", frameReady)
	}
	l.ready = true
	for slot := range l.turns {
		l.free <- uint16(slot) // there is room for all
	}
	return nil
}

// put notes what is sent in a slot; false when the stream has ended, and t with it.
func (l *link) put(slot uint16, t *turn) bool {
	l.mu.Lock()
	over := l.over
	if !over {
		l.turns[slot] = t
	}
	l.mu.Unlock()
	if over {
		l.session.lose(t)
	}
	return !over
}

// sent is the turn in a slot, nil if there is none.
func (l *link) sent(slot uint16) *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.turns[slot]
}

// clear empties a slot of a shared session, and vacate lets it take another invocation.
// Between the two the answer is finished: the next must not meet it.
func (l *link) clear(slot uint16) {
	if l.free == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns[slot] = nil
}

func (l *link) vacate(slot uint16) {
	if l.free != nil {
		l.free <- slot // there is room for all
	}
}

// close ends the link and all that is on it.
func (l *link) close() {
	l.end(io.EOF)
	l.mu.Lock()
	l.over = true
	lost := l.turns
	l.mu.Unlock()
	for _, t := range lost { // nobody else uses it any more
		if t != nil {
			l.session.lose(t)
		}
	}
}
