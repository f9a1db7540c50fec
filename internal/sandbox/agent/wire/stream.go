package wire

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Stream is one stream of a connection. It must be closed.
type Stream struct {
	conn *Conn
	id   uint32

	mu      sync.Mutex // protects the fields below
	changed *sync.Cond
	buf     []byte // came and was not read; at most Window
	begin   int    // of what is left in buf
	owed    int    // bytes that were read and not credited
	credit  int    // bytes that may be sent
	ended   bool   // the other end sends no more
	left    bool   // the other end is gone, or the connection
	shut    bool   // this end sends no more
	closed  bool
	reads   deadline
	writes  deadline
}

var _ net.Conn = (*Stream)(nil)

func newStream(c *Conn, id uint32) *Stream {
	s := &Stream{conn: c, id: id, credit: Window}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// take is told by the connection's reader.
func (s *Stream) take(f frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	switch f.kind {
	case dataKind:
		return s.takeData(f.body)
	case creditKind:
		more := int(binary.BigEndian.Uint32(f.body))
		if more > Window-s.credit {
			return errProtocol
		}
		s.credit += more
	case goneKind:
		s.ended, s.left = true, true
	default:
		s.ended = true
	}
	return nil
}

func (s *Stream) takeData(body []byte) error {
	if len(s.buf)-s.begin+s.owed+len(body) > Window || s.ended {
		return errProtocol
	}
	if s.begin > 0 && len(s.buf)+len(body) > cap(s.buf) {
		s.buf, s.begin = append(s.buf[:0], s.buf[s.begin:]...), 0
	}
	s.buf = append(s.buf, body...)
	return nil
}

// gone says that the connection ended.
func (s *Stream) gone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.left = true, true
	s.changed.Broadcast()
}

// Read implements io.Reader.
func (s *Stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.mu.Lock()
	for len(s.buf) == s.begin {
		if err := s.unreadable(); err != nil {
			s.mu.Unlock()
			return 0, err
		}
		s.changed.Wait()
	}
	if s.closed {
		s.mu.Unlock()
		return 0, net.ErrClosed
	}
	return s.drain(p)
}

// TryRead reads what has come; 0 and nil = nothing is there now.
func (s *Stream) TryRead(p []byte) (int, error) {
	s.mu.Lock()
	if len(s.buf) > s.begin && !s.closed {
		return s.drain(p)
	}
	defer s.mu.Unlock()
	if s.ended || s.closed {
		return 0, io.EOF
	}
	return 0, nil
}

// Await waits until something can be read; false = nothing will come any more.
func (s *Stream) Await() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.buf) == s.begin && !s.ended && !s.closed {
		s.changed.Wait()
	}
	return len(s.buf) > s.begin && !s.closed
}

// drain takes what is there and credits the other end. It unlocks mu.
func (s *Stream) drain(p []byte) (int, error) {
	n := copy(p, s.buf[s.begin:])
	s.begin += n
	if s.begin == len(s.buf) {
		s.buf, s.begin = s.buf[:0], 0
	}
	s.owed += n
	owed := 0
	if s.owed >= Window/2 && !s.ended {
		owed, s.owed = s.owed, 0
	}
	s.mu.Unlock()
	if owed > 0 {
		_ = s.conn.send(frame{creditKind, s.id, binary.BigEndian.AppendUint32(nil, uint32(owed))}) // who reads on sees the end
	}
	return n, nil
}

func (s *Stream) unreadable() error {
	switch {
	case s.closed:
		return net.ErrClosed
	case s.ended:
		return io.EOF
	case s.reads.over():
		return os.ErrDeadlineExceeded
	}
	return nil
}

// Write implements io.Writer. It waits while the other end does not read.
func (s *Stream) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		n, err := s.reserve(min(len(p), MaxData))
		if err == nil {
			err = s.conn.send(frame{dataKind, s.id, p[:n]})
		}
		if err != nil {
			return written, err
		}
		written += n
		p = p[n:]
	}
	return written, nil
}

// reserve waits until something may be sent, and says how much.
func (s *Stream) reserve(most int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.closed || s.shut:
			return 0, net.ErrClosed
		case s.left:
			return 0, syscall.EPIPE
		case s.writes.over():
			return 0, os.ErrDeadlineExceeded
		case s.credit > 0:
			n := min(most, s.credit)
			s.credit -= n
			return n, nil
		}
		s.changed.Wait()
	}
}

// CloseWrite says that no more follows.
func (s *Stream) CloseWrite() error {
	s.mu.Lock()
	was := s.shut || s.closed || s.left
	s.shut = true
	s.mu.Unlock()
	if was {
		return nil
	}
	return s.conn.send(frame{kind: endKind, stream: s.id})
}

// Close implements io.Closer.
func (s *Stream) Close() error {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.reads.stop()
	s.writes.stop()
	s.changed.Broadcast()
	s.mu.Unlock()
	if was {
		return net.ErrClosed
	}
	s.conn.forget(s.id)
	_ = s.conn.send(frame{kind: goneKind, stream: s.id}) // the connection may be gone, too
	return nil
}

// deadline ends waiting.
type deadline struct {
	timer  *time.Timer
	passed bool
	serial int // counts settings: a timer of an earlier one says nothing
}

func (d *deadline) over() bool { return d.passed }

func (d *deadline) stop() {
	d.serial++
	d.passed = false
	if d.timer != nil {
		d.timer.Stop()
	}
}

func (s *Stream) set(d *deadline, t time.Time) {
	d.stop()
	if t.IsZero() {
		return
	}
	serial := d.serial
	if wait := time.Until(t); wait > 0 {
		d.timer = time.AfterFunc(wait, func() { s.expire(d, serial) })
		return
	}
	d.passed = true
	s.changed.Broadcast()
}

func (s *Stream) expire(d *deadline, serial int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.serial == serial {
		d.passed = true
		s.changed.Broadcast()
	}
}

// SetDeadline implements net.Conn.
func (s *Stream) SetDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(&s.reads, t)
	s.set(&s.writes, t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (s *Stream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(&s.reads, t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (s *Stream) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(&s.writes, t)
	return nil
}

type address struct{}

func (address) Network() string { return "wire" }
func (address) String() string  { return "wire" }

// LocalAddr implements net.Conn.
func (*Stream) LocalAddr() net.Addr { return address{} }

// RemoteAddr implements net.Conn.
func (*Stream) RemoteAddr() net.Addr { return address{} }
