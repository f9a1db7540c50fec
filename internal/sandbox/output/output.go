package output

import (
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/nowait"
)

// pipeSize is what a pipe holds by default in bytes (pipe(7)): all that can have
// been written before a moment and not been read at it.
const pipeSize = 64 << 10

// Output carries what a process writes to a Writer. One goroutine waits for it;
// whoever needs what is already there reads it itself.
type Output struct {
	pipe *os.File
	raw  syscall.RawConn

	mu   sync.Mutex // held while bytes go from the pipe to w: they stay in order
	w    io.Writer
	buf  []byte
	over bool          // the pipe has ended
	done chan struct{} // the goroutine ended; nil before Begin
}

// Pipe makes an output and returns the process's end of its pipe, too. Nobody reads it
// before Begin.
func Pipe() (*Output, *os.File, error) {
	pipe, theirs, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	o, err := Of(pipe)
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return o, theirs, nil
}

// Of makes an output of the reading end of a pipe, which does not block, and takes it over,
// also with an error.
func Of(pipe *os.File) (*Output, error) {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, pipe.Close())
	}
	return &Output{pipe: pipe, raw: raw, w: io.Discard}, nil
}

// Begin carries to w from now on; a nil writer discards. It is called once, or never for
// a process of which nobody wants to hear.
func (o *Output) Begin(w io.Writer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if w != nil {
		o.w = w
	}
	o.buf, o.done = make([]byte, 16<<10), make(chan struct{})
	go o.pump(o.done)
}

// pump delivers until the pipe's end or Close.
func (o *Output) pump(done chan<- struct{}) {
	defer close(done)
	_ = o.raw.Read(func(fd uintptr) bool {
		for {
			n := o.step(int(fd))
			if n <= 0 {
				return n == ended
			}
		}
	})
}

// Sync delivers what was written before the call.
func (o *Output) Sync() {
	_ = o.raw.Control(func(fd uintptr) {
		for left := pipeSize; left > 0; {
			n := o.step(int(fd))
			if n <= 0 {
				return
			}
			left -= n
		}
	})
}

// Sync delivers what was written to any of the outputs before the call, as Process.Sync
// promises. Most invocations print nothing, and need no goroutine to find that out.
func Sync(ctx context.Context, outputs []*Output) error {
	if !slices.ContainsFunc(outputs, (*Output).pending) {
		return nil
	}
	synced := make(chan struct{})
	go func() { // ends with the writers, which ctx does not bound
		defer close(synced)
		for _, o := range outputs {
			o.Sync()
		}
	}()
	select {
	case <-synced:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pending says whether something that was written may not have been delivered: it is in
// the pipe, or on its way from there.
func (o *Output) pending() bool {
	if !o.mu.TryLock() {
		return true
	}
	defer o.mu.Unlock()
	if o.over || o.buf == nil {
		return false
	}
	waiting := 1
	err := o.raw.Control(func(fd uintptr) {
		if n, err := nowait.Waiting(int(fd)); err == nil {
			waiting = n
		}
	})
	return err == nil && waiting > 0
}

// What step returns besides a number of bytes.
const (
	empty = 0
	ended = -1
)

// step delivers one piece. What the writer says is not the process's concern.
func (o *Output) step(fd int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over || o.buf == nil {
		return ended
	}
	for {
		n, err := unix.Read(fd, o.buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return empty
		case err != nil || n == 0:
			o.over = true
			return ended
		}
		_, _ = o.w.Write(o.buf[:n])
		return n
	}
}

// Close ends the pump and waits for it. A process that still writes gets EPIPE.
func (o *Output) Close() {
	_ = o.pipe.Close()
	o.mu.Lock()
	done := o.done
	o.mu.Unlock()
	if done != nil {
		<-done
	}
}

// Same says whether two writers are one, which then must not be called from two
// goroutines.
func Same(a, b io.Writer) bool {
	return a != nil && b != nil && reflect.TypeOf(a).Comparable() && reflect.TypeOf(b).Comparable() && a == b
}
