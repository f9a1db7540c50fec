package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Limits bound what a folder of images or snapshots keeps that nobody uses.
type Limits struct {
	Bytes  int64         // on disk, all together with what is used
	Unused time.Duration // since it was used last
}

// abandoned is after how long a file that did not become whole is nobody's any more: making one
// takes some seconds.
const abandoned = time.Hour

// unfinished begins the names of files that are not whole.
const unfinished = "unfinished-"

// Use opens a file of such a folder and says that it is in use, for as long as anybody has the
// descriptor, also in another process: one that is killed uses nothing any more.
func Use(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := errors.Join(lockFile(f, unix.LOCK_SH), os.Chtimes(path, now, now)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil // one that was collected meanwhile is as good
}

func lockFile(f *os.File, how int) error {
	return os.NewSyscallError("flock", unix.Flock(int(f.Fd()), how))
}

// entry is what is kept under one key: its files begin with it.
type entry struct {
	paths []string
	bytes int64 // on disk
	used  time.Time
}

// Collect removes what nobody uses from a folder: what was not used for long, and of the rest
// what was used longest ago until it fits. What is in use is told by the file with the extension
// holder, see Use.
func Collect(dir, holder string, l Limits) error {
	all, err := entriesOf(dir)
	if err != nil {
		return err
	}
	var total int64
	for _, e := range all {
		total += e.bytes
	}
	var failed []error
	for _, e := range all {
		if time.Since(e.used) < l.Unused && total <= l.Bytes {
			continue
		}
		removed, err := e.remove(holder)
		if removed {
			total -= e.bytes
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// entriesOf lists what is whole, that which was used longest ago first, and removes what nobody
// finished.
func entriesOf(dir string) ([]*entry, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := map[string]*entry{}
	var all []*entry
	for _, f := range files {
		info, err := f.Info()
		key, _, whole := strings.Cut(f.Name(), ".")
		switch {
		case err != nil: // another process collects, too
		case strings.HasPrefix(f.Name(), unfinished) && time.Since(info.ModTime()) > abandoned:
			_ = os.RemoveAll(filepath.Join(dir, f.Name())) // the next one tries again
		case whole && info.Mode().IsRegular():
			if found[key] == nil {
				found[key] = &entry{}
				all = append(all, found[key])
			}
			found[key].add(filepath.Join(dir, f.Name()), info)
		}
	}
	slices.SortFunc(all, func(a, b *entry) int { return a.used.Compare(b.used) })
	return all, nil
}

func (e *entry) add(path string, info fs.FileInfo) {
	e.paths = append(e.paths, path)
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		e.bytes += stat.Blocks * 512
	}
	if info.ModTime().After(e.used) {
		e.used = info.ModTime()
	}
}

// remove removes an entry that nobody uses, and holds it meanwhile.
func (e *entry) remove(holder string) (bool, error) {
	for _, path := range e.paths {
		if filepath.Ext(path) != holder {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			return false, nil // another process collects, too
		}
		defer func() { _ = f.Close() }()
		if lockFile(f, unix.LOCK_EX|unix.LOCK_NB) != nil {
			return false, nil // it is in use
		}
	}
	var failed []error
	for _, path := range e.paths {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		}
	}
	return true, errors.Join(failed...)
}
