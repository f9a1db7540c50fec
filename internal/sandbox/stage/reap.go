package stage

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Reap removes the folders below top, named after owners, that dead owners left. Nothing is
// ever mounted there in this mount namespace: the stages of the dead, where something was,
// ended with them.
func Reap(top string, alive func(owner string) bool) error {
	owners, err := os.ReadDir(top)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	failed := []error{err}
	for _, owner := range owners {
		if !alive(owner.Name()) {
			failed = append(failed, RemoveTree(filepath.Join(top, owner.Name())))
		}
	}
	return errors.Join(failed...)
}
