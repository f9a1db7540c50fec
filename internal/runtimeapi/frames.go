package runtimeapi

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"

	"lambent.dev/lambent/internal/lambda"
)

// Types and flags of frames, see the package comment.
const (
	frameInvoke    = 0x01
	frameReady     = 0x81
	frameInitError = 0x82
	frameResponse  = 0x83
	frameError     = 0x84
	frameBegun     = 0x85

	flagMore = 0x01
	flagLast = 0x02

	headerSize = 8
)

// header is the head of a frame.
type header struct {
	kind byte
	more bool
	last bool
	size int64
}

// ServeFrames speaks the framed codec over conn until the stream or the session ends,
// whichever is first; then both are ended. A stream that the runtime closed between
// frames answers io.EOF.
func (s *Session) ServeFrames(conn net.Conn) error {
	var writer sync.WaitGroup
	writer.Go(func() { s.sendEvents(conn) })
	err := s.receive(bufio.NewReader(conn))
	s.Close(err)
	writer.Wait()
	return err
}

// sendEvents writes what the host invokes. It closes conn, which ends the reader.
func (s *Session) sendEvents(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for {
		t, err := s.take(context.Background())
		if err != nil {
			return // the session is closed
		}
		if err := writeEvent(conn, t.event); err != nil {
			s.Close(fmt.Errorf("sending an event to the runtime: %w", err))
			return
		}
	}
}

// meta is the JSON that goes before the event.
type meta struct {
	ID            string          `json:"id"`
	DeadlineMs    int64           `json:"deadlineMs"`
	ARN           string          `json:"arn"`
	TraceID       string          `json:"traceId,omitempty"`
	ClientContext json.RawMessage `json:"clientContext,omitempty"`
	Identity      json.RawMessage `json:"identity,omitempty"`
	TenantID      string          `json:"tenantId,omitempty"`
}

// writeEvent writes one Invoke frame; the payload is not copied.
func writeEvent(w io.Writer, e Event) error {
	m, err := json.Marshal(meta{e.ID, e.Deadline.UnixMilli(), e.ARN, e.TraceID, raw(e.ClientContext), raw(e.Identity), e.TenantID})
	if err != nil {
		return fmt.Errorf("encoding meta: %w", err)
	}
	head := make([]byte, headerSize+4, headerSize+4+len(m))
	head[0] = frameInvoke
	binary.BigEndian.PutUint32(head[4:], uint32(4+len(m)+len(e.Payload)))
	binary.BigEndian.PutUint32(head[headerSize:], uint32(len(m)))
	parts := net.Buffers{append(head, m...)}
	if len(e.Payload) > 0 {
		parts = append(parts, e.Payload)
	}
	_, err = parts.WriteTo(w)
	return err
}

// raw keeps meta valid whatever a caller sent: what is no JSON becomes a string.
func raw(value []byte) json.RawMessage {
	if len(value) == 0 || json.Valid(value) {
		return value
	}
	quoted, err := json.Marshal(string(value))
	if err != nil { // strings always marshal
		return nil
	}
	return quoted
}

// receive takes frames until the stream ends or breaks the protocol.
func (s *Session) receive(r *bufio.Reader) error {
	for {
		h, err := readHeader(r)
		if err != nil {
			return err
		}
		if err := s.accept(h, r); err != nil {
			return err
		}
	}
}

func readHeader(r io.Reader) (header, error) {
	var b [headerSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return header{}, err
	}
	h := header{kind: b[0], more: b[1] == flagMore, last: b[1] == flagLast, size: int64(binary.BigEndian.Uint32(b[4:]))}
	known := b[1] == 0 || h.more && h.kind == frameResponse || h.last && h.kind == frameError
	if !known || b[2] != 0 || b[3] != 0 {
		return header{}, fmt.Errorf("frame %#02x: bad header % x", b[0], b)
	}
	return h, nil
}

// accept takes one frame.
func (s *Session) accept(h header, r *bufio.Reader) error {
	switch h.kind {
	case frameBegun, frameReady:
		return s.acceptSignal(h)
	case frameInitError:
		return s.acceptInitError(h, r)
	case frameError:
		return s.acceptError(h, r)
	case frameResponse:
		return s.acceptResponse(h, r)
	default:
		return fmt.Errorf("frame %#02x: unknown type", h.kind)
	}
}

func (s *Session) acceptSignal(h header) error {
	if h.size != 0 {
		return fmt.Errorf("frame %#02x: has a payload of %d bytes", h.kind, h.size)
	}
	if h.kind == frameBegun {
		s.begin()
		return nil
	}
	return s.rest()
}

func (s *Session) acceptInitError(h header, r io.Reader) error {
	fault, err := readFault(h, r)
	if err != nil {
		return err
	}
	return s.failInit(fault)
}

func (s *Session) acceptError(h header, r io.Reader) error {
	t, err := s.current("")
	if err != nil {
		return err
	}
	fault, err := readFault(h, r)
	if err != nil {
		return err
	}
	if h.last {
		s.completeLast(t, fault)
	} else {
		s.complete(t, fault, idle)
	}
	return nil
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

// acceptResponse takes a whole answer, its first frame's header being h.
func (s *Session) acceptResponse(h header, r *bufio.Reader) error {
	t, err := s.current("")
	if err != nil {
		return err
	}
	refused := t.head(lambda.Head{Streaming: h.more})
	refused, err = s.streamFrames(t, h, r, refused)
	if err != nil {
		return err // the session closes: the answer was broken off
	}
	s.complete(t, faultOf(refused, nil), idle)
	return nil
}

// streamFrames copies the frames of an answer to the sink until it refuses, and reads
// them to the last.
func (s *Session) streamFrames(t *turn, h header, r *bufio.Reader, refused error) (error, error) {
	for {
		body := &io.LimitedReader{R: r, N: h.size}
		if refused == nil {
			var broken error
			if refused, broken = t.stream(body, h.size); broken != nil {
				return refused, broken
			}
		}
		if err := drain(body); err != nil {
			return refused, err
		}
		if !h.more {
			return refused, nil
		}
		var err error
		if h, err = readHeader(r); err != nil {
			return refused, err
		}
		if h.kind != frameResponse {
			return refused, fmt.Errorf("frame %#02x: in the middle of a response", h.kind)
		}
	}
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
