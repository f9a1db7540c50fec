package http1

import (
	"errors"
	"io"
	"net/http"
)

// inChunks stands for what is left of a body whose length nobody knows.
const inChunks = 1 << 62

// body is a request's.
type body struct {
	conn    *conn
	left    int64           // inChunks until all is read, of one that comes so
	ctx     *requestContext // is told when all is read
	parsed  *http.Request   // of one in chunks: whose Body takes them apart
	request *http.Request   // what the handler has
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if b.chunked() {
		return b.readChunks(p)
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

func (b *body) chunked() bool { return b.parsed != nil }

// readChunks gives back to the connection what was read beyond the body.
func (b *body) readChunks(p []byte) (int, error) {
	n, err := b.parsed.Body.Read(p)
	if errors.Is(err, io.EOF) {
		b.left, b.request.Trailer = 0, b.parsed.Trailer
		b.conn.unread()
		b.ctx.allRead()
	}
	return n, err
}

// Close implements io.Closer; drain reads what is left.
func (b *body) Close() error { return nil }

// buffered reports whether all that is left of the body is here.
func (b *body) buffered() bool { return b.left <= int64(b.conn.to-b.conn.from) }

// drain reads what the handler left; false if it does not come, or is too much.
func (b *body) drain() bool {
	if b.left == 0 {
		return true
	}
	_, err := io.CopyN(io.Discard, b, bodyBytes+1)
	return errors.Is(err, io.EOF) && b.left == 0
}

// of makes r the request that handlers get.
func (b *body) of(r *http.Request) *http.Request {
	if r.ContentLength < 0 {
		b.parsed, b.left = r, inChunks
	}
	b.request = r.WithContext(b.ctx)
	b.request.Body = b
	return b.request
}
