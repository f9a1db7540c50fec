package firecracker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// retryPause is how long connecting waits for what is not there yet.
const retryPause = time.Millisecond

// DialSocket connects to a Unix socket that lies in a folder, as soon as it listens. The name may
// be long, and whoever owns the folder leads nobody elsewhere: the socket is opened without
// following links, and then connected to as that.
func DialSocket(ctx context.Context, dir *os.File, name string) (net.Conn, error) {
	return retry(ctx, func() (net.Conn, error) { return dialOnce(ctx, dir, name) })
}

func dialOnce(ctx context.Context, dir *os.File, name string) (net.Conn, error) {
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, os.NewSyscallError("fstat", err)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil, fmt.Errorf("%w: %s is no socket", errForeign, name)
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d", fd))
}

// errForeign says that a folder holds what Firecracker does not put there.
var errForeign = errors.New("the jail was tampered with")

// notYet says whether an error means that nobody listens so far.
func notYet(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, errUnheard)
}

// retry calls dial until it succeeds, fails for good, or ctx ends.
func retry(ctx context.Context, dial func() (net.Conn, error)) (net.Conn, error) {
	for {
		conn, err := dial()
		if err == nil || !notYet(err) {
			return conn, err
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		}
	}
}
