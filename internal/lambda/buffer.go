package lambda

import (
	"bytes"
	"errors"
)

// ErrResponseTooLarge is what a Buffer answers to the byte that exceeds its cap.
var ErrResponseTooLarge = errors.New("response exceeds the maximum allowed payload size")

// Buffer is a Sink that keeps the whole answer, up to Cap bytes. The zero value
// with a Cap is ready.
type Buffer struct {
	Cap   int // bytes; MaxResponse for Lambda's own limit
	head  Head
	body  bytes.Buffer
	fault *FunctionError
}

// Head implements Sink.
func (b *Buffer) Head(h Head) error { b.head = h; return nil }

// Write implements Sink. A write that would exceed the cap is refused whole.
func (b *Buffer) Write(p []byte) (int, error) {
	if b.body.Len()+len(p) > b.Cap {
		return 0, ErrResponseTooLarge
	}
	return b.body.Write(p)
}

// Finish implements Sink.
func (b *Buffer) Finish(fn *FunctionError) { b.fault = fn }

// Bytes returns the answer: the function's error if there was one.
func (b *Buffer) Bytes() []byte {
	if b.fault != nil {
		return b.fault.Payload
	}
	return b.body.Bytes()
}

// FunctionError returns the function's error or nil.
func (b *Buffer) FunctionError() *FunctionError { return b.fault }

// ContentType returns what the runtime named, or "".
func (b *Buffer) ContentType() string { return b.head.ContentType }
