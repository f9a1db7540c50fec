package code

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// unfinished starts the name of a folder that is being made or removed.
const unfinished = ".tmp-"

// tempTries is how often temp begins anew; each time another process must have swept in
// the very moment.
const tempTries = 100

// temp makes a folder for work in progress and locks it for as long as this process
// works in it. Another process that starts right now may sweep it before it is
// locked: then the next one is taken.
func (p *Packages) temp() (dir string, unlock func() error, err error) {
	for range tempTries {
		dir, err = os.MkdirTemp(p.dir, unfinished)
		if err != nil {
			return "", nil, fmt.Errorf("making a temporary folder: %w", err)
		}
		if unlock, err = lock(dir); err != nil {
			continue
		}
		if _, err = os.Lstat(dir); err == nil {
			return dir, unlock, nil
		}
		err = errors.Join(err, unlock()) // swept between the two
	}
	return "", nil, err // what could not be locked is swept at the next start
}

// sweep removes unfinished folders that no living process has locked.
func sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, unfinished+"*"))
	if err != nil {
		return err
	}
	var failed []error
	for _, name := range left {
		unlock, err := lock(name)
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
			continue // somebody works in it, or has just finished
		}
		if err == nil {
			err = errors.Join(os.RemoveAll(name), unlock())
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// lock takes flock(2) on a folder; it ends with the process at the latest.
func lock(dir string) (unlock func() error, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", dir, err), f.Close())
	}
	return f.Close, nil
}
