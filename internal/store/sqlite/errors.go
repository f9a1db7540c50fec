package sqlite

import (
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"lambent.dev/lambent/internal/store"
)

// explain names what an error of SQLite means and what to do
// (sqlite.org/rescode.html). The low byte is the primary code.
func explain(path string, err error) error {
	var failed *driver.Error
	if !errors.As(err, &failed) {
		return err
	}
	switch failed.Code() {
	case code.SQLITE_CONSTRAINT_PRIMARYKEY, code.SQLITE_CONSTRAINT_UNIQUE:
		return fmt.Errorf("%w: %w", store.ErrExists, err)
	}
	switch failed.Code() & 0xff {
	case code.SQLITE_BUSY, code.SQLITE_LOCKED:
		return fmt.Errorf("%w: stop the other program that has %s open: %w", store.ErrBusy, path, err)
	case code.SQLITE_CORRUPT, code.SQLITE_NOTADB:
		return damaged(path, err)
	case code.SQLITE_FULL:
		return fmt.Errorf("the disk of %s is full: free some space: %w", path, err)
	case code.SQLITE_CANTOPEN, code.SQLITE_READONLY, code.SQLITE_PERM:
		return fmt.Errorf("check the owner and mode of %s and of its folder: %w", path, err)
	}
	return err
}

func damaged(path string, err error) error {
	return fmt.Errorf("%w: restore %s from a backup, or move it away with its -wal and -shm files to begin empty: %w",
		store.ErrDamaged, path, err)
}
