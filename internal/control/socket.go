package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// Socket is the name of the socket in the data folder.
const Socket = "lambent.sock"

// maxPath is the most bytes of a socket's path (unix(7): sun_path has 108 with its NUL).
const maxPath = 107

// Listen opens the socket in a data folder that the caller has locked: a socket that is
// there already was left by a dead server and is replaced. Only the owner can connect.
func Listen(ctx context.Context, data string) (net.Listener, error) {
	path := filepath.Join(data, Socket)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("replacing the control socket: %w", err)
	}
	short, done, err := reachable(path)
	if err != nil {
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	defer done()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", short)
	if err != nil {
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the control socket: %w", err), l.Close())
	}
	return l, nil
}

// dial connects to the socket of a data folder.
func dial(ctx context.Context, data string) (net.Conn, error) {
	short, done, err := reachable(filepath.Join(data, Socket))
	if err != nil {
		return nil, err
	}
	defer done()
	var d net.Dialer
	return d.DialContext(ctx, "unix", short)
}

// reachable returns a name of path that fits a socket's address, by way of the folder's
// descriptor if path itself is too long. The name holds until done.
func reachable(path string) (short string, done func(), err error) {
	if len(path) <= maxPath {
		return path, func() {}, nil
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	short = fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), filepath.Base(path))
	return short, func() { _ = folder.Close() }, nil // it was only looked through
}
