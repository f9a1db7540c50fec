package agent

import (
	"io"
	"net"
	"testing"
)

// A ticket that is good once is good once: what comes later is closed, also before the first
// was taken.
func TestVisitIsOneConnection(t *testing.T) {
	var tickets Tickets
	v := tickets.ExpectOne()
	first, _ := net.Pipe()
	second, other := net.Pipe()
	for _, conn := range []net.Conn{first, second} {
		if !tickets.Hand(conn, v.Ticket) {
			t.Error("nobody expected it")
		}
	}
	if _, err := other.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the second lives: %v", err)
	}
	if conn, err := v.Take(t.Context(), nil); err != nil || conn != first {
		t.Errorf("took %v, %v", conn, err)
	}
	v.End()
	if tickets.Hand(first, v.Ticket) {
		t.Error("it is expected after its end")
	}
}
