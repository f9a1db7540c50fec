package logs

import (
	"bytes"
	"io"
	"sync"

	"lambent.dev/lambent/internal/lambda"
)

// Writer returns a writer to one stream of a function's log: an instance's standard
// output, say. Many may be open for one function. It splits what it gets into lines; the
// last one waits for its newline or for Close. Write never waits for the disk, and fails
// only after a Close. The writer is safe for concurrent use.
func (s *Store) Writer(id lambda.FunctionID, stream string) io.WriteCloser {
	return &writer{store: s, fn: s.queue.acquire(id), stream: stream[:min(len(stream), maxStream)]}
}

type writer struct {
	store  *Store
	fn     *function
	stream string

	mu      sync.Mutex
	partial []byte // line without its newline, less than MaxLine bytes; guarded by mu
	closed  bool   // guarded by mu
}

// Write implements io.Writer.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || !w.add(w.split(p)) {
		return 0, ErrClosed
	}
	return len(p), nil
}

// split returns the lines that p completes, which share p's memory, and keeps the rest.
// Preconditions: mu is held.
func (w *writer) split(p []byte) (lines [][]byte) {
	for len(p) > 0 {
		piece, rest, newline := cut(p, MaxLine-len(w.partial))
		full := len(rest) > 0 // without a newline: and the line goes on
		p = rest
		if !newline && !full {
			w.partial = append(w.partial, piece...)
			break
		}
		if len(w.partial) > 0 {
			piece = append(w.partial, piece...)
			w.partial = nil
		}
		lines = append(lines, piece)
	}
	return lines
}

// cut takes at most room bytes of p, up to and without the first newline, which it eats.
func cut(p []byte, room int) (piece, rest []byte, newline bool) {
	if i := bytes.IndexByte(p[:min(len(p), room+1)], '\n'); i >= 0 {
		return p[:i], p[i+1:], true
	}
	n := min(len(p), room)
	return p[:n], p[n:], false
}

// add queues lines and wakes the goroutine that writes them.
func (w *writer) add(lines [][]byte) bool {
	if len(lines) == 0 {
		return true
	}
	open := w.store.queue.add(w.fn, w.stream, lines)
	select {
	case w.store.wake <- struct{}{}:
	default: // it is awake
	}
	return open
}

// Close ends the stream; a line without its newline becomes a record. A second Close is
// nil.
func (w *writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	defer w.store.queue.release(w.fn)
	if len(w.partial) > 0 && !w.add([][]byte{w.partial}) {
		return ErrClosed
	}
	return nil
}
