package logs

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// retainAll drops what is too old or too much of every function.
func (f *flusher) retainAll() error {
	all, err := folders(f.store.root)
	for _, folder := range all {
		err = errors.Join(err, f.retain(folder))
	}
	return err
}

// retain drops whole segments of one function, the oldest first. The newest stays as long
// as it is not too old.
func (f *flusher) retain(folder string) error {
	all, total, err := f.measure(folder)
	if err != nil {
		return err
	}
	kept := len(all)
	for i, s := range all {
		tooMuch := f.store.options.MaxBytes > 0 && total > f.store.options.MaxBytes && i < len(all)-1
		if !tooMuch && !f.tooOld(s.written) {
			break
		}
		if err := f.drop(folder, s.number); err != nil {
			return err
		}
		total -= s.size
		kept--
	}
	if kept == 0 {
		_ = f.store.root.Remove(folder) // fails where another process has begun a segment
	}
	return nil
}

// measured is what retention looks at.
type measured struct {
	number  uint64
	size    int64
	written time.Time // last
}

func (f *flusher) measure(folder string) (all []measured, total int64, err error) {
	numbers, err := segments(f.store.root, folder)
	for _, number := range numbers {
		info, err := f.store.root.Lstat(segmentName(folder, number))
		if err != nil {
			return nil, 0, err
		}
		all = append(all, measured{number, info.Size(), info.ModTime()})
		total += info.Size()
	}
	return all, total, err
}

func (f *flusher) tooOld(written time.Time) bool {
	limit := f.store.options.MaxAge
	return limit > 0 && f.store.options.Clock().Sub(written) > limit
}

// drop deletes a segment, unless another process writes it.
func (f *flusher) drop(folder string, number uint64) error {
	name := segmentName(folder, number)
	if a := f.open[folder]; a != nil && a.name == name {
		if err := f.closeOne(folder); err != nil {
			return err
		}
	}
	file, err := f.store.root.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only locked
	if unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil
	}
	return f.store.root.Remove(name)
}
