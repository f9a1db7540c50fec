package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// minSize and maxSize bound a volume. Lambda's own range is 512 MiB to 10 GiB.
	minSize = 16 << 20
	maxSize = 64 << 30
	// lowSpace is how much free disk Checks wants to see: one volume of Lambda's
	// default size, full.
	lowSpace = 512 << 20
	// staleAge is how old an unfinished file that nobody has locked must be before
	// Open takes it for left behind: a living Maker locks a new one at once.
	staleAge = 2 * time.Second
	// unfinished begins the name of every file that has no final name yet.
	unfinished = "unfinished-"
)

// Maker makes volumes whose images lie in one folder. Its methods may be called from
// many goroutines.
type Maker struct {
	dir string

	// attaching is held while a volume is attached. The kernel configures loop devices one
	// after the other, half a millisecond each, and wakes all that wait: 32 at once are
	// ready in 1.6 times the time if they are not held back here.
	attaching sync.Mutex

	mu        sync.Mutex // protects templates; held while a template is made
	templates map[int64]*template
}

// Open readies a folder, makes it if it is missing, and removes what an earlier run
// left unfinished in it. The folder must be on a disk: on a tmpfs every volume would
// be memory again.
func Open(dir string) (*Maker, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening volumes: %w", err)
	}
	m := &Maker{dir: dir, templates: make(map[int64]*template)}
	if err := m.sweep(time.Now().Add(-staleAge)); err != nil {
		return nil, fmt.Errorf("opening volumes: %w", err)
	}
	return m, nil
}

// sweep removes unfinished files that were last written before a time and that
// nobody works on, and templates of other recipes.
func (m *Maker) sweep(before time.Time) error {
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		path := filepath.Join(m.dir, name)
		left := strings.HasPrefix(name, unfinished) && abandoned(path, before)
		old := strings.HasPrefix(name, templatePrefix) && !strings.HasPrefix(name, templatePrefix+recipe)
		if !left && !old {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// abandoned says whether a file was last written before a time and no process holds
// its lock. The lock ends with the process, whatever ended that.
func abandoned(path string, before time.Time) bool {
	f, err := os.Open(path)
	if err != nil {
		return false // gone meanwhile
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.ModTime().Before(before) {
		return false
	}
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// New makes a volume in which size bytes can be stored. The disk space is taken as
// it is written, not now; New refuses when the disk could not hold it today.
func (m *Maker) New(ctx context.Context, size int64) (*Volume, error) {
	if size < minSize || size > maxSize {
		return nil, fmt.Errorf("making a volume of %d bytes: it must have %d to %d", size, minSize, int64(maxSize))
	}
	v, err := m.make(ctx, size)
	if err != nil {
		return nil, fmt.Errorf("making a volume of %d bytes: %w", size, err)
	}
	return v, nil
}

func (m *Maker) make(ctx context.Context, size int64) (*Volume, error) {
	image, err := m.image(ctx, size)
	if err != nil {
		return nil, err
	}
	device, err := m.attach(ctx, image)
	if err != nil {
		return nil, errors.Join(err, image.Close())
	}
	return &Volume{device: device, image: image}, nil
}

// Image makes the file of a volume, without a device: for who has a kernel of its own. It has no
// name and ends with its last descriptor. The limits are New's.
func (m *Maker) Image(ctx context.Context, size int64) (*os.File, error) {
	if size < minSize || size > maxSize {
		return nil, fmt.Errorf("making an image of %d bytes: it must have %d to %d", size, minSize, int64(maxSize))
	}
	image, err := m.image(ctx, size)
	if err != nil {
		return nil, fmt.Errorf("making an image of %d bytes: %w", size, err)
	}
	return image, nil
}

func (m *Maker) image(ctx context.Context, size int64) (*os.File, error) {
	if err := os.MkdirAll(m.dir, 0o700); err != nil { // somebody may have removed it
		return nil, err
	}
	free, err := freeSpace(m.dir)
	if err != nil {
		return nil, err
	}
	if free < size {
		return nil, fmt.Errorf("%s has only %d bytes free: %w", m.dir, free, unix.ENOSPC)
	}
	t, err := m.template(ctx, size)
	if err != nil {
		return nil, err
	}
	return t.copy(ctx, m.dir)
}

func (m *Maker) attach(ctx context.Context, image *os.File) (*os.File, error) {
	m.attaching.Lock()
	defer m.attaching.Unlock()
	return attach(ctx, image)
}

// createUnfinished makes a file under a name of its own and locks it against sweep.
func createUnfinished(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, unfinished)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(os.NewSyscallError("flock", err), f.Close(), os.Remove(f.Name()))
	}
	return f, nil
}

// nameless makes a file without a name.
func nameless(dir string) (*os.File, error) {
	f, err := createUnfinished(dir)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func freeSpace(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(s.Bavail) * s.Bsize, nil
}
