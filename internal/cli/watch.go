package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long nothing must change before a save counts as finished: editors write
// in several steps, and a checkout writes many files.
const quiet = 150 * time.Millisecond

// saves watches a file, or a folder with all that is below it.
type saves struct {
	*fsnotify.Watcher
	file string // the one that counts; "" = all
}

// watch begins to watch path. A file is watched by its folder, because editors replace it.
func watch(path string) (_ *saves, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file or folder %s", path)
	}
	if err != nil {
		return nil, err
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching %s: %w", path, err)
	}
	s := &saves{Watcher: w}
	if info.IsDir() {
		err = s.addFolder(path)
	} else {
		s.file = path
		err = s.Add(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watching %s: %w", path, err), w.Close())
	}
	return s, nil
}

// addFolder watches a folder and those below it: inotify(7) watches one at a time.
func (s *saves) addFolder(path string) error {
	return filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone again
		}
		if err != nil || !d.IsDir() {
			return err
		}
		if name != path && unwatched(name) {
			return fs.SkipDir
		}
		return s.Add(name)
	})
}

// unwatched says what does not count as a save: hidden files, editors' among them, caches,
// and what npm installs.
func unwatched(name string) bool {
	base := filepath.Base(name)
	return strings.HasPrefix(base, ".") || strings.HasSuffix(base, "~") || base == "__pycache__" || base == "node_modules"
}

// each calls saved after every save until ctx ends. It is not called while it runs.
func (s *saves) each(ctx context.Context, saved func()) error {
	timer := time.NewTimer(quiet)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-s.Errors:
			return fmt.Errorf("watching: %w", err)
		case e := <-s.Events:
			if s.counts(e) {
				timer.Reset(quiet)
			}
		case <-timer.C:
			saved()
		}
	}
}

// counts says whether an event is part of a save, and begins to watch new folders.
func (s *saves) counts(e fsnotify.Event) bool {
	if s.file != "" {
		return e.Name == s.file && e.Op != fsnotify.Chmod
	}
	if e.Op == fsnotify.Chmod || unwatched(e.Name) {
		return false
	}
	if info, err := os.Stat(e.Name); err == nil && info.IsDir() && e.Has(fsnotify.Create) {
		_ = s.addFolder(e.Name) // one that cannot be watched is deployed all the same
	}
	return true
}
