package volume

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// maxExtents bounds how many parts a template's data may have. A fresh ext4 has a few
// for each 128 MiB.
const maxExtents = 1 << 14

// readTemplate finds where a template holds data.
func readTemplate(path string) (*template, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	extents, err := dataOf(f)
	if err != nil {
		return nil, err
	}
	if len(extents) == 0 {
		return nil, fmt.Errorf("%s is empty: remove it", path)
	}
	return &template{path: path, length: info.Size(), extents: extents}, nil
}

// dataOf lists the parts of a sparse file that hold data (lseek(2), SEEK_DATA). A
// file system that knows no holes says that everything is data.
func dataOf(f *os.File) ([]extent, error) {
	var extents []extent
	for at := int64(0); len(extents) < maxExtents; {
		data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return extents, nil // only a hole is left
		}
		if err != nil {
			return nil, fmt.Errorf("looking for data in %s: %w", f.Name(), err)
		}
		if at, err = unix.Seek(int(f.Fd()), data, unix.SEEK_HOLE); err != nil {
			return nil, fmt.Errorf("looking for a hole in %s: %w", f.Name(), err)
		}
		extents = append(extents, extent{data, at - data})
	}
	return nil, fmt.Errorf("%s has more than %d parts: remove it", f.Name(), maxExtents)
}

// copy makes a nameless sparse copy.
func (t *template) copy(ctx context.Context, dir string) (_ *os.File, err error) {
	from, err := os.Open(t.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = from.Close() }()
	to, err := nameless(dir)
	if err != nil {
		return nil, err
	}
	if err := t.fill(ctx, to, from); err != nil {
		return nil, errors.Join(fmt.Errorf("copying the template: %w", err), to.Close())
	}
	return to, nil
}

func (t *template) fill(ctx context.Context, to, from *os.File) error {
	if err := to.Truncate(t.length); err != nil {
		return err
	}
	for _, e := range t.extents {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := copyRange(to, from, e); err != nil {
			return err
		}
	}
	return nil
}

// copyRange copies inside the kernel, which shares the blocks where the file system
// can (copy_file_range(2)).
func copyRange(to, from *os.File, e extent) error {
	in, out := e.offset, e.offset
	for end := e.offset + e.length; in < end; {
		n, err := unix.CopyFileRange(int(from.Fd()), &in, int(to.Fd()), &out, int(end-in), 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return os.NewSyscallError("copy_file_range", err)
		}
		if n == 0 {
			return fmt.Errorf("%s became shorter", from.Name())
		}
	}
	return nil
}
