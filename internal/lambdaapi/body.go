package lambdaapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// bodyTimeout is how long a client may take to send a request's body: enough for the
// largest at 1 MB/s, and an end for one that sends nothing.
const bodyTimeout = 90 * time.Second

// maxDrain is how much of a refused body is still read, so that a client that writes
// before it reads gets to see the refusal.
const maxDrain = 16 << 20

// errBodyTooLarge says that a body exceeds its limit.
var errBodyTooLarge = errors.New("request body is too large")

// boundBody ends the wait for a body also where it is not looked at: net/http reads what
// is left of it before it answers.
func (c *call) boundBody() {
	if c.r.ContentLength != 0 {
		// A writer without deadlines is one in memory: nothing to bound.
		_ = http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(c.bodyTimeout))
	}
}

// body reads the whole body, at most limit bytes of it. When it cannot, the connection
// is of no further use, and the deadline stays on it.
func (c *call) body(limit int64) ([]byte, error) {
	if c.signedBody != nil {
		return c.signedBody, nil // authenticate read it, within the same limit
	}
	body, err := c.bodyWithin(limit)
	if err != nil {
		c.w.Header().Set("Connection", "close")
		return nil, err
	}
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Time{}) // as above
	return body, nil
}

// maxRequest bounds a request's body that holds no code, in bytes: far more than any needs.
const maxRequest = 1 << 20

// readRequest decodes a body of at most limit bytes.
func (c *call) readRequest(limit int64, in any) error {
	body, err := c.body(limit)
	if errors.Is(err, errBodyTooLarge) {
		return errTooLarge(limit, c.operation)
	}
	if err != nil {
		return err
	}
	return decode(body, in)
}

func (c *call) bodyWithin(limit int64) ([]byte, error) {
	if c.r.ContentLength > limit {
		return nil, c.drain()
	}
	body, err := readAll(c.r.Body, limit, c.r.ContentLength)
	switch {
	case errors.Is(err, errBodyTooLarge):
		return nil, c.drain()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, lambda.NewError(lambda.ErrRequestTimeout, "The body of the request did not arrive in time.").WithCause(err)
	case err != nil:
		return nil, lambda.NewError(lambda.ErrInvalidRequestContent, "The body of the request could not be read.").WithCause(err)
	}
	return body, nil
}

// drain reads on, unless the client asked first: then it must not be told to send.
func (c *call) drain() error {
	if c.r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, c.r.Body, maxDrain) // best effort
	}
	return errBodyTooLarge
}

// readAll reads r to its end. It allocates no more than what came, rounded up, and
// at once what a declared length promises, if that is within the limit.
func readAll(r io.Reader, limit, declared int64) ([]byte, error) {
	var b bytes.Buffer
	if declared > 0 {
		b.Grow(int(min(declared, 1<<20)) + bytes.MinRead) // ReadFrom wants room when it meets the end
	}
	n, err := b.ReadFrom(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, errBodyTooLarge
	}
	return b.Bytes(), nil
}

func errTooLarge(limit int64, operation string) error {
	return lambda.NewError(lambda.ErrRequestEntityTooLarge, "Request must be smaller than %d bytes for the %s operation", limit, operation)
}
