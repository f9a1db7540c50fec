package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/store"
)

// lockPoll is how often a lock that another process holds is tried: flock(2) has no
// wait with a bound.
const lockPoll = 10 * time.Millisecond

// alone takes a lock file beside the database, so that one process migrates at a time.
// The kernel drops the lock of a process that dies; the empty file stays.
func alone(ctx context.Context, path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeoutCause(ctx, BusyTimeout, fmt.Errorf("%w: another lambent holds %s", store.ErrBusy, path))
	defer stop()
	if err := lock(ctx, f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

func lock(ctx context.Context, f *os.File) error {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return os.NewSyscallError("flock", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}
