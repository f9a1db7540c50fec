package load

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Request is a whole HTTP/1.1 request as it goes over the wire.
type Request []byte

// Post makes a POST of a JSON body ready.
func Post(host, path string, body []byte) Request {
	head := "POST " + path + " HTTP/1.1\r\nHost: " + host +
		"\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
	return append([]byte(head), body...)
}

// Conn is one connection that is kept open. It belongs to one goroutine at a time.
type Conn struct {
	addr string
	net  net.Conn
	in   *bufio.Reader
	used time.Time // when it was made or answered last
	ends time.Time // after which nothing is waited for; zero = never
}

// Bounds of a connection.
const (
	limit     = 2 * time.Minute // of one request: a server that hangs ends a measurement and not the program
	dialLimit = 10 * time.Second
	// idle is how long a connection may rest: servers close those that send nothing for some
	// time, and this is well below what they usually wait.
	idle = 4 * time.Second
)

// overtime lets whoever holds a context with a deadline see that it is over before its connection
// says so.
const overtime = 20 * time.Millisecond

// Dial connects to addr. If ctx has a deadline, the connection's requests have it too.
func Dial(ctx context.Context, addr string) (*Conn, error) {
	c := &Conn{addr: addr}
	if end, ok := ctx.Deadline(); ok {
		c.ends = end.Add(overtime)
	}
	return c, c.dial(ctx)
}

// deadline is that of a request that is sent now.
func (c *Conn) deadline() time.Time {
	own := time.Now().Add(limit)
	if c.ends.IsZero() || own.Before(c.ends) {
		return own
	}
	return c.ends
}

func (c *Conn) dial(ctx context.Context) error {
	d := net.Dialer{Timeout: dialLimit}
	conn, err := d.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return err
	}
	c.net, c.in, c.used = conn, bufio.NewReaderSize(conn, maxHead), time.Now()
	return nil
}

// Ready makes the connection anew where it has rested for long. Do does so as well, before its
// clock starts; who sends many requests at once calls it before.
func (c *Conn) Ready(ctx context.Context) error {
	if time.Since(c.used) < idle {
		return nil
	}
	_ = c.net.Close() // it may be closed already: that is why
	return c.dial(ctx)
}

// Do sends a request and reads its answer. After an error the connection is of no use.
func (c *Conn) Do(r Request) (Answer, error) {
	if err := c.Ready(context.Background()); err != nil {
		return Answer{}, err
	}
	if err := c.net.SetDeadline(c.deadline()); err != nil {
		return Answer{}, err
	}
	sent := time.Now()
	if _, err := c.net.Write(r); err != nil {
		return Answer{}, fmt.Errorf("sending to %s: %w", c.addr, err)
	}
	a, err := read(c.in)
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer of %s: %w", c.addr, err)
	}
	c.used = time.Now()
	a.Sent, a.Took = sent, c.used.Sub(sent)
	return a, nil
}

// Close ends the connection.
func (c *Conn) Close() error { return c.net.Close() }
