//go:build !linux || race

package nowait

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Read is read(2).
func Read(fd int, p []byte) (int, error) {
	return again(func() (int, error) { return unix.Read(fd, p) })
}

// Write is write(2).
func Write(fd int, p []byte) (int, error) {
	return again(func() (int, error) { return unix.Write(fd, p) })
}

// ReadAt is pread(2).
func ReadAt(fd int, p []byte, at int64) (int, error) {
	return again(func() (int, error) { return unix.Pread(fd, p, at) })
}

// Peek is recv(2) that neither waits nor takes what it reads.
func Peek(fd int, p []byte) (int, error) {
	return again(func() (int, error) {
		n, _, err := unix.Recvfrom(fd, p, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return max(n, 0), err
	})
}

// again makes a call until no signal interrupts it.
func again(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
}
