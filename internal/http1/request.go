package http1

import (
	"errors"
	"io"
	"net/http"
)

// body is a request's.
type body struct {
	conn *conn
	left int64
	ctx  *requestContext // is told when all is read
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.conn.Read(p[:min(int64(len(p)), b.left)])
	if b.left -= int64(n); b.left == 0 {
		b.ctx.allRead()
		return n, io.EOF
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close implements io.Closer; drain reads what is left.
func (b *body) Close() error { return nil }

// buffered reports whether all that is left of the body is here.
func (b *body) buffered() bool { return b.left <= int64(b.conn.to-b.conn.from) }

// drain reads what the handler left; false if it does not come.
func (b *body) drain() bool {
	if b.left == 0 {
		return true
	}
	_, err := io.Copy(io.Discard, b)
	return err == nil && b.left == 0
}

// of makes r the request that handlers get.
func (b *body) of(r *http.Request) *http.Request {
	r.Body = b
	return r.WithContext(b.ctx)
}
