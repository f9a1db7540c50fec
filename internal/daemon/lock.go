package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// errDataInUse says that a living process has the data folder.
var errDataInUse = errors.New("another Lambent uses it")

// lockData makes the data folder and takes it for this process. The kernel gives the lock
// back when the last process that shares the open file ends, however it ends (flock(2)).
func lockData(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w: --data names another", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the data folder's lock: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errDataInUse
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("taking the data folder %s: %w", dir, err), f.Close())
	}
	return f, nil
}
