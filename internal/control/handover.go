package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// handoverPath is where a server that is to take another's place asks. The connection then
// leaves HTTP (RFC 9110, section 7.8): descriptors go over it.
const (
	handoverPath     = "/v1/handover"
	handoverProtocol = "lambent-handover"
)

// ErrNoHandover says that a server answers which cannot hand over.
var ErrNoHandover = errors.New("the running server cannot hand over: it is of another version")

// handOver lends the connection to Deps.HandOver.
func (s *server) handOver(w http.ResponseWriter, r *http.Request) {
	if s.HandOver == nil || r.Header.Get("Upgrade") != handoverProtocol {
		http.NotFound(w, r)
		return
	}
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = c.Close() }() // the other side sees that it has ended
	const head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + handoverProtocol + "\r\n\r\n"
	if _, err := c.Write([]byte(head)); err != nil {
		return // the new server is gone
	}
	if u, ok := accepted(c).(*net.UnixConn); ok {
		s.HandOver(u)
	}
}

// accepted is the socket under what a server made of it. Nothing was read ahead of it: the
// other side waits for the answer.
func accepted(c net.Conn) net.Conn {
	if inner, ok := c.(interface{ NetConn() net.Conn }); ok {
		return inner.NetConn()
	}
	return c
}

// DialHandover connects to the server of a data folder for package handover. ErrNoServer if
// there is none, ErrNoHandover if it knows nothing of that.
func DialHandover(ctx context.Context, data string) (*net.UnixConn, error) {
	c, err := dial(ctx, data)
	if err != nil {
		return nil, reaching(ctx, err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(ErrNoHandover, c.Close())
	}
	if err := upgrade(u); err != nil {
		return nil, errors.Join(err, u.Close())
	}
	return u, nil
}

// upgrade ends HTTP on a connection. The server says nothing after its answer until it is
// asked, so the reader takes nothing of what comes then.
func upgrade(c *net.UnixConn) error {
	request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: lambent\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", handoverPath, handoverProtocol)
	if _, err := strings.NewReader(request).WriteTo(c); err != nil {
		return fmt.Errorf("asking the server: %w", err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return fmt.Errorf("asking the server: %w", err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return errors.Join(ErrNoHandover, answer.Body.Close())
	}
	return nil
}
