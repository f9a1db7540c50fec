package runtimeapi

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// errCannotRestore is the answer to Restore of a runtime that knows no such thing: only one
// with a stream of its own does.
var errCannotRestore = errors.New("the runtime cannot be restored")

// Restored is what a runtime says of its hooks.
type Restored struct {
	Asked bool                  // it was told; else it had ended before
	Took  time.Duration         // by the runtime's own measure
	Error *lambda.FunctionError // of the hook that failed; the runtime ends then
}

// Restore tells an initialised runtime that its first invocation is about to come, and
// waits until its hooks have run. When ctx ends first the session is closed with its cause.
func (s *Session) Restore(ctx context.Context) (Restored, error) {
	l, err := s.reserve()
	if err != nil {
		return Restored{}, err
	}
	defer s.release()
	if l == nil {
		return Restored{}, errCannotRestore
	}
	return l.restore(ctx)
}

// restore sends the one frame and takes the other. Preconditions: the session is reserved.
func (l *link) restore(ctx context.Context) (r Restored, err error) {
	stop := context.AfterFunc(ctx, func() { _ = l.session.giveUp(ctx) }) // which closes conn
	defer stop()
	if err = l.quiet(); err == nil {
		_, err = l.conn.Write([]byte{frameRestore, 0, 0, 0, 0, 0, 0, 0})
	}
	if err == nil {
		r, err = l.restored()
		r.Asked = true
	}
	if err == nil {
		return r, nil
	}
	l.session.Close(err)
	if ctx.Err() != nil {
		return r, context.Cause(ctx)
	}
	return r, l.session.Err()
}

// restored reads the answer to a Restore frame.
func (l *link) restored() (Restored, error) {
	h, err := readHeader(l.in)
	if err != nil {
		return Restored{}, err
	}
	switch {
	case h.kind == frameRestored && h.size == tookSize:
		var took [tookSize]byte
		_, err := io.ReadFull(l.in, took[:])
		return Restored{Took: time.Duration(binary.BigEndian.Uint32(took[:])) * time.Microsecond}, err
	case h.kind == frameRestoreError:
		fault, err := readFault(h, l.in)
		return Restored{Error: fault}, err
	}
	return Restored{}, fmt.Errorf("frame %#02x of %d bytes: is no answer to a restore", h.kind, h.size)
}
