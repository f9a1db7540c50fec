package instance

import (
	"net"
	"testing"

	"lambent.dev/lambent/internal/kernel/nowait"
)

// A connection that is counted is a socket still for who reads and writes it without waiting, and its
// place is free once it is closed.
func TestLimitedConnectionsAreSockets(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limitConns(inner, 1)
	defer l.Close()
	for range 2 {
		client, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		c, err := l.Accept() // the second would wait for the first's place for ever
		if err != nil {
			t.Fatal(err)
		}
		if nowait.Of(c).Raw() == nil {
			t.Error("no socket")
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
