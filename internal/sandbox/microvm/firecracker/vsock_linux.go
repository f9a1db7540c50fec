package firecracker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// longestReply bounds Firecracker's answer to CONNECT, "OK" and a port, in bytes.
const longestReply = 32

// errUnheard says that nobody in the guest listens on a port: Firecracker hangs up.
var errUnheard = errors.New("nobody listens in the guest")

// DialGuest connects to a port that a program in the guest listens on, as soon as it does, through
// the socket of the guest's vsock device (Firecracker's docs/vsock.md).
func DialGuest(ctx context.Context, dir *os.File, name string, port uint32) (net.Conn, error) {
	return retry(ctx, func() (net.Conn, error) {
		conn, err := dialOnce(ctx, dir, name)
		if err != nil {
			return nil, err
		}
		if err := connect(ctx, conn, port); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return conn, nil
	})
}

// connect asks for a port of the guest.
func connect(ctx context.Context, conn net.Conn, port uint32) error {
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := fmt.Fprintf(conn, "CONNECT %d\n", port); err != nil {
		return fmt.Errorf("%w: %w", errUnheard, err)
	}
	reply, err := readLine(conn)
	if err != nil {
		return err
	}
	number, ok := strings.CutPrefix(reply, "OK ")
	if _, err := strconv.ParseUint(number, 10, 32); !ok || err != nil {
		return fmt.Errorf("asking Firecracker for port %d of the guest: it says %q", port, reply)
	}
	return nil
}

// readLine reads a line and nothing after it: that is the guest's.
func readLine(conn io.Reader) (string, error) {
	var line [longestReply]byte
	for n := range line {
		if _, err := io.ReadFull(conn, line[n:n+1]); err != nil {
			return "", fmt.Errorf("%w: %w", errUnheard, err)
		}
		if line[n] == '\n' {
			return string(line[:n]), nil
		}
	}
	return "", fmt.Errorf("asking Firecracker for a port of the guest: it answers with a line of more than %d bytes", longestReply)
}
