package http1

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// together is up to how many bytes of an answer are gathered, to be written at once.
const together = 16 << 10

// response implements http.ResponseWriter, http.Flusher and what http.ResponseController asks
// for. It belongs to the handler's goroutine.
type response struct {
	conn    *conn
	body    *body
	header  http.Header
	status  int   // 0: not set yet
	length  int64 // that the handler declared; -1: none
	written int64 // of the body
	pending []byte
	sent    bool // the head is
	chunked bool
	close   bool // no other request may follow
	err     error
	lend    func(*Loan) bool // see Lend
}

func newResponse(c *conn, b *body) *response {
	return &response{conn: c, body: b, header: make(http.Header, 12), length: -1}
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. Informational answers are not sent.
func (w *response) WriteHeader(status int) {
	if w.status != 0 || status < 200 {
		return
	}
	w.status = status
	if n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		w.length = n
	} else {
		w.header.Del("Content-Length")
	}
	w.close = strings.EqualFold(w.header.Get("Connection"), "close")
}

// bodiless are statuses whose answers end with the head.
func bodiless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusNotModified
}

// Write implements http.ResponseWriter.
func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	switch {
	case w.err != nil:
		return 0, w.err
	case len(p) == 0:
		return 0, nil
	case bodiless(w.status):
		return 0, http.ErrBodyNotAllowed
	case w.length >= 0 && w.written+int64(len(p)) > w.length:
		return 0, http.ErrContentLength
	}
	if w.written == 0 && w.header["Content-Type"] == nil {
		w.header.Set("Content-Type", http.DetectContentType(p))
	}
	w.written += int64(len(p))
	if len(w.pending)+len(p) <= together {
		w.pending = append(w.pending, p...)
		return len(p), nil
	}
	if w.err = w.send(p, false); w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

// Flush implements http.Flusher.
func (w *response) Flush() { _ = w.FlushError() } // Write says so, too

// FlushError is what http.ResponseController calls.
func (w *response) FlushError() error {
	w.WriteHeader(http.StatusOK)
	if w.err == nil {
		w.err = w.send(nil, false)
	}
	return w.err
}

// SetReadDeadline is what http.ResponseController calls. A body that is here needs none.
func (w *response) SetReadDeadline(at time.Time) error {
	if w.body.buffered() {
		return nil
	}
	w.conn.deadline = time.Time{} // the next wait sets its own
	return w.conn.Conn.SetReadDeadline(at)
}

// SetWriteDeadline is what http.ResponseController calls.
func (w *response) SetWriteDeadline(at time.Time) error { return w.conn.Conn.SetWriteDeadline(at) }

// finish sends what is left. After an error, or an answer that is shorter than it said, the
// connection is of no use.
func (w *response) finish() error {
	w.WriteHeader(http.StatusOK)
	if w.err == nil {
		w.err = w.send(nil, true)
	}
	if w.length >= 0 && w.written < w.length && !bodiless(w.status) {
		w.close = true
	}
	return w.err
}

// send writes the head if it has not been, what is pending, and p.
func (w *response) send(p []byte, last bool) error {
	out := w.conn.out[:0]
	if !w.sent {
		w.sent = true
		w.settleBody()
		out = w.appendHead(out, last)
	}
	size := len(w.pending) + len(p)
	if w.chunked && size > 0 {
		out = append(strconv.AppendInt(out, int64(size), 16), "\r\n"...)
	}
	out = append(out, w.pending...)
	w.pending = w.pending[:0]
	var tail string
	switch {
	case w.chunked && last && size > 0:
		tail = "\r\n0\r\n\r\n"
	case w.chunked && last:
		tail = "0\r\n\r\n"
	case w.chunked && size > 0:
		tail = "\r\n"
	}
	w.conn.out = out
	return w.write(out, p, tail)
}

// settleBody reads what the handler left of a body in chunks before the answer goes out, as net/http
// does: where that fails the head says that no other request may follow.
func (w *response) settleBody() {
	if w.body.chunked() && !w.body.drain() {
		w.close = true
		w.header.Set("Connection", "close")
	}
}

func (w *response) write(out, p []byte, tail string) (err error) {
	switch {
	case len(p) > 0:
		parts := net.Buffers{out, p, []byte(tail)}
		_, err = parts.WriteTo(w.conn.Conn)
	case len(out)+len(tail) > 0:
		w.conn.out = append(out, tail...)
		_, err = w.conn.io.Write(w.conn.out)
	}
	if cap(w.conn.out) > 2*together {
		w.conn.out = nil
	}
	return err
}

// appendHead decides how the body is framed, and writes the head. whole says that all of the
// body is pending.
func (w *response) appendHead(out []byte, whole bool) []byte {
	out = append(out, "HTTP/1.1 "...)
	out = strconv.AppendInt(out, int64(w.status), 10)
	out = append(append(append(out, ' '), http.StatusText(w.status)...), "\r\n"...)
	var array [24]string
	names := array[:0]
	for name := range w.header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		out = appendField(out, name, w.header[name])
	}
	if w.header["Date"] == nil {
		out = append(append(append(out, "Date: "...), w.conn.server.dates.date(time.Now())...), "\r\n"...)
	}
	switch {
	case w.length >= 0 || bodiless(w.status):
	case whole:
		out = append(strconv.AppendInt(append(out, "Content-Length: "...), int64(len(w.pending)), 10), "\r\n"...)
	default:
		w.chunked = true
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	}
	return append(out, "\r\n"...)
}

// appendField writes a field for each of its values. A handler's line feeds must not make lines.
func appendField(out []byte, name string, values []string) []byte {
	if !token(name) || name == "Transfer-Encoding" || name == "Trailer" {
		return out
	}
	for _, value := range values {
		if strings.ContainsAny(value, "\r\n") {
			value = strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
		}
		out = append(append(append(append(out, name...), ": "...), value...), "\r\n"...)
	}
	return out
}
