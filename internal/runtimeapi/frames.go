package runtimeapi

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"lambent.dev/lambent/internal/kernel/nowait"
	"lambent.dev/lambent/internal/lambda"
)

// Types and flags of frames, see the package comment.
const (
	frameInvoke       = 0x01
	frameRestore      = 0x02
	frameReady        = 0x81
	frameInitError    = 0x82
	frameResponse     = 0x83
	frameError        = 0x84
	frameBegun        = 0x85
	frameRestored     = 0x86
	frameRestoreError = 0x87

	flagMore = 0x01
	flagLast = 0x02

	headerSize = 8
)

// header is the head of a frame.
type header struct {
	kind byte
	more bool
	last bool
	slot uint16
	size int64
}

// ServeFrames speaks the framed codec over conn until the stream or the session ends,
// whichever is first; then both are ended. A stream that the runtime closed between
// frames answers io.EOF, while it initialises; later Invoke finds it so. A shared session
// has ServeSlots.
func (s *Session) ServeFrames(conn net.Conn) error {
	l := newLink(s, conn, 1)
	s.attach(l)
	var closer sync.WaitGroup
	closer.Go(func() { <-s.closed; _ = conn.Close() })
	defer closer.Wait()
	if err := l.initialise(); err != nil {
		s.Close(err)
		return err
	}
	<-s.closed
	return s.Err()
}

// link is one stream of a session.
type link struct {
	session *Session
	conn    *nowait.Conn
	in      *bufio.Reader // of conn
	out     []byte        // of the last event; kept for the next
	answers []answer      // by slot; of the goroutine that receives
	ahead   bool          // the first event was sent before the runtime said that it is ready

	// Of a shared session.
	free  chan uint16 // slots that may take an invocation
	ended context.Context
	end   context.CancelCauseFunc

	mu    sync.Mutex // guards what follows
	over  bool
	ready bool
	turns []*turn // by slot, sent and not answered
}

// answer is one that is on its way; turn is nil when none is.
type answer struct {
	turn    *turn
	refused error // by the sink
}

func newLink(s *Session, conn net.Conn, slots int) *link {
	c := nowait.Of(conn)
	return &link{session: s, conn: c, in: bufio.NewReader(c), answers: make([]answer, slots)}
}

// receive takes frames until the stream ends or breaks the protocol.
func (l *link) receive() error {
	for {
		if err := l.next(); err != nil {
			return err
		}
	}
}

// next takes one frame.
func (l *link) next() error {
	h, err := readHeader(l.in)
	if err != nil {
		return err
	}
	return l.accept(h, l.in)
}

func readHeader(r io.Reader) (header, error) {
	var b [headerSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return header{}, err
	}
	h := header{
		kind: b[0], more: b[1] == flagMore, last: b[1] == flagLast,
		slot: binary.BigEndian.Uint16(b[2:]), size: int64(binary.BigEndian.Uint32(b[4:])),
	}
	if known := b[1] == 0 || h.more && h.kind == frameResponse || h.last && h.kind == frameError; !known {
		return header{}, fmt.Errorf("frame %#02x: bad header % x", b[0], b)
	}
	return h, nil
}

// accept takes the frame of a header.
func (l *link) accept(h header, r *bufio.Reader) error {
	if int(h.slot) >= len(l.answers) {
		return fmt.Errorf("frame %#02x: there is no slot %d", h.kind, h.slot)
	}
	if l.answers[h.slot].turn != nil && h.kind != frameResponse {
		return fmt.Errorf("frame %#02x: in the middle of a response", h.kind)
	}
	switch h.kind {
	case frameBegun, frameReady:
		return l.acceptSignal(h, r)
	case frameInitError:
		return l.acceptInitError(h, r)
	case frameError:
		return l.acceptError(h, r)
	case frameResponse:
		return l.acceptResponse(h, r)
	default:
		return fmt.Errorf("frame %#02x: unknown type", h.kind)
	}
}

func (l *link) acceptSignal(h header, r io.Reader) error {
	if h.kind == frameReady && h.size == tookSize {
		return l.acceptTook(r)
	}
	if h.size != 0 {
		return fmt.Errorf("frame %#02x: has a payload of %d bytes", h.kind, h.size)
	}
	if h.kind == frameBegun {
		l.session.begin()
		return nil
	}
	return l.rest()
}

// tookSize is the length of a Ready frame's payload, if it has one.
const tookSize = 4

// acceptTook takes a Ready that says how long the initialisation took.
func (l *link) acceptTook(r io.Reader) error {
	var took [tookSize]byte
	if _, err := io.ReadFull(r, took[:]); err != nil {
		return err
	}
	l.session.initTook(time.Duration(binary.BigEndian.Uint32(took[:])) * time.Microsecond)
	return l.rest()
}

func (l *link) rest() error {
	if l.free == nil && !l.ahead && l.in.Buffered() > 0 {
		return errUnasked
	}
	if _, err := l.session.rest(nil); err != nil { // nothing is offered to who has a stream
		return err
	}
	return l.open()
}

func (l *link) acceptInitError(h header, r io.Reader) error {
	fault, err := readFault(h, r)
	if err != nil {
		return err
	}
	return l.session.failInit(fault)
}

func (l *link) acceptError(h header, r io.Reader) error {
	t, err := l.current(h.slot)
	if err != nil {
		return err
	}
	fault, err := readFault(h, r)
	if err != nil {
		return err
	}
	if h.last {
		l.session.completeLast(t, fault)
	} else {
		l.complete(t, h.slot, fault)
	}
	return nil
}

// current begins the answer to the invocation in a slot.
func (l *link) current(slot uint16) (*turn, error) {
	if l.free == nil {
		return l.session.current(nil, "")
	}
	return l.session.answer(l.sent(slot))
}

// complete ends an answer; its slot may take another invocation.
func (l *link) complete(t *turn, slot uint16, fault *lambda.FunctionError) {
	l.clear(slot)
	l.session.complete(t, fault, idle)
	l.vacate(slot)
}

// readFault reads the payload of an error frame.
func readFault(h header, r io.Reader) (*lambda.FunctionError, error) {
	body, whole, err := readError(r, h.size)
	switch {
	case err != nil:
		return nil, err
	case !whole:
		return tooLarge(), nil
	case int64(len(body)) < h.size:
		return nil, io.ErrUnexpectedEOF
	default:
		return reported("", body), nil
	}
}

// acceptResponse takes one frame of an answer. When the sink has refused, the rest is
// read and dropped.
func (l *link) acceptResponse(h header, r *bufio.Reader) error {
	a := &l.answers[h.slot]
	if a.turn == nil {
		t, err := l.current(h.slot)
		if err != nil {
			return err
		}
		a.turn, a.refused = t, t.head(lambda.Head{Streaming: h.more})
	}
	if err := a.take(h, r); err != nil {
		return err // the stream ends: the answer was broken off
	}
	if h.more {
		return nil
	}
	t, refused := a.turn, a.refused
	*a = answer{}
	l.complete(t, h.slot, faultOf(refused, nil))
	return nil
}

// take copies one frame of the answer to the sink until it refuses.
func (a *answer) take(h header, r io.Reader) error {
	body := &io.LimitedReader{R: r, N: h.size}
	if a.refused == nil {
		var broken error
		if a.refused, broken = a.turn.stream(body, h.size); broken != nil {
			return broken
		}
	}
	return drain(body)
}

// drain reads what is left of a frame; a stream that ends before is an error.
func drain(body *io.LimitedReader) error {
	if _, err := io.Copy(io.Discard, body); err != nil {
		return err
	}
	if body.N > 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}
