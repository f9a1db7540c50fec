package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/nowait"
)

// maxRead bounds what is read of one kernel file. The longest is a list of pids.
const maxRead = 1 << 20

// tree is the part of a file system that this package needs. Tests put a
// simulated cgroup v2 in its place.
type tree interface {
	read(name string) (string, error)
	write(name, value string) error
	mkdir(name string) error
	rmdir(name string) error
	folders(name string) ([]string, error)
	open(name string) (file, error)
}

// file is a kernel file that is read again and again.
type file interface {
	// readAt reads it from its beginning, as far as buf goes.
	readAt(buf []byte) (int, error)
	close()
}

// kernelTree is the real cgroup file systems. Its calls bypass package os, which
// would offer every descriptor to the network poller.
type kernelTree struct{}

func (kernelTree) read(name string) (string, error) {
	fd, err := open(name, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer func() { _ = unix.Close(fd) }()
	text := make([]byte, 0, 512)
	for {
		n, err := retry(func() (int, error) { return unix.Read(fd, text[len(text):cap(text)]) })
		if err != nil {
			return "", &fs.PathError{Op: "read", Path: name, Err: err}
		}
		if n == 0 {
			return string(text), nil
		}
		if text = text[:len(text)+n]; len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
		if len(text) > maxRead {
			return "", fmt.Errorf("reading %s: more than %d bytes", name, maxRead)
		}
	}
}

func (kernelTree) write(name, value string) error {
	fd, err := open(name, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if _, err := retry(func() (int, error) { return unix.Write(fd, []byte(value)) }); err != nil {
		return &fs.PathError{Op: "write " + value + " to", Path: name, Err: err}
	}
	return nil
}

func (kernelTree) mkdir(name string) error { return os.Mkdir(name, 0o755) }

func (kernelTree) rmdir(name string) error {
	if err := unix.Rmdir(name); err != nil {
		return &fs.PathError{Op: "rmdir", Path: name, Err: err}
	}
	return nil
}

func (kernelTree) folders(name string) ([]string, error) {
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

func (kernelTree) open(name string) (file, error) {
	fd, err := open(name, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return kernelFile(fd), nil
}

// kernelFile is a descriptor.
type kernelFile int

// readAt implements file. The kernel makes the text anew for every read at 0.
func (f kernelFile) readAt(buf []byte) (int, error) {
	for {
		n, err := unix.Pread(int(f), buf, 0)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// number is readAt for a file for which the kernel waits for nobody.
func (f kernelFile) number(buf []byte) (int, error) { return nowait.ReadAt(int(f), buf, 0) }

func (f kernelFile) close() { _ = unix.Close(int(f)) }

func open(name string, mode int) (int, error) {
	fd, err := retry(func() (int, error) { return unix.Open(name, mode|unix.O_CLOEXEC, 0) })
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return fd, nil
}

// retry repeats a call that a signal interrupted: Go preempts with signals, and
// lowering a v1 memory limit answers EINTR to them.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
