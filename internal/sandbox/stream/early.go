package stream

import "net"

// Early is a stream that is open before anybody asks for it. The zero value is none. Its owner's
// lock guards it.
type Early struct{ conn net.Conn }

// Keep has a stream, nil for none, in the place of one that nobody took.
func (e *Early) Keep(conn net.Conn) {
	e.Drop()
	e.conn = conn
}

// Take returns the stream to who asks first, nil without one.
func (e *Early) Take() net.Conn {
	conn := e.conn
	e.conn = nil
	return conn
}

// Drop closes a stream that nobody took.
func (e *Early) Drop() {
	if conn := e.Take(); conn != nil {
		_ = conn.Close()
	}
}
