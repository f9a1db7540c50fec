package output

import (
	"bytes"
	"io"
	"os"
	"sync"
)

// headSize is how much of what a program says is kept, in bytes.
const headSize = 4 << 10

// Head keeps the beginning of what a program writes, and drops the rest. One goroutine reads
// it, until Close.
type Head struct {
	pipe *os.File
	done chan struct{}

	mu   sync.Mutex // protects text
	text bytes.Buffer
}

// Open starts reading and returns the program's end.
func (h *Head) Open() (theirs *os.File, err error) {
	if h.pipe, theirs, err = os.Pipe(); err != nil {
		return nil, err
	}
	h.done = make(chan struct{})
	go func() {
		defer close(h.done)
		_, _ = io.Copy(h, h.pipe) // ends with the program or with close
	}()
	return theirs, nil
}

// Write implements io.Writer.
func (h *Head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text.Write(p[:min(len(p), headSize-h.text.Len())])
	return len(p), nil
}

// String returns what was kept, without blanks around it.
func (h *Head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(bytes.TrimSpace(h.text.Bytes()))
}

// Close ends reading; what was kept stays.
func (h *Head) Close() error {
	err := h.pipe.Close()
	<-h.done
	return err
}
