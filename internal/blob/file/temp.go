package file

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// newTries bounds how often a temporary file is made anew because a sweeping process
// took it in the moment before it was locked.
const newTries = 10

// temp is a file that is being written. Its lock tells it from what a dead process
// left; the kernel drops the lock with the process (flock(2)).
type temp struct {
	store *Store
	name  string
	file  *os.File
}

func (s *Store) newTemp() (*temp, error) {
	for range newTries {
		t, err := s.tryTemp()
		if err != nil || t != nil {
			return t, err
		}
	}
	return nil, errors.New("temporary files vanish: another program deletes them")
}

// tryTemp returns nil if the file was swept between its creation and its locking.
func (s *Store) tryTemp() (*temp, error) {
	name := path.Join(tempFolder, rand.Text())
	f, err := s.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return nil, err
	}
	t := &temp{s, name, f}
	var info unix.Stat_t
	lockErr := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err := unix.Fstat(int(f.Fd()), &info); err != nil {
		return nil, errors.Join(fmt.Errorf("fstat: %w", err), t.discard())
	}
	if lockErr != nil || info.Nlink == 0 {
		return nil, t.discard()
	}
	return t, nil
}

// discard closes the file and removes its name, if it still has the temporary one.
func (t *temp) discard() error {
	err := t.store.root.Remove(t.name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, t.file.Close())
}

// sweep removes the temporary files that nobody writes.
func (s *Store) sweep() error {
	entries, err := fs.ReadDir(s.root.FS(), tempFolder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := s.sweepOne(path.Join(tempFolder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sweepOne opens without following links and without waiting for a pipe's writer.
func (s *Store) sweepOne(name string) error {
	f, err := s.root.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only locked
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil // somebody writes it
	}
	return s.root.Remove(name)
}
