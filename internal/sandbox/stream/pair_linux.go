package stream

import (
	"os"

	"golang.org/x/sys/unix"
)

// channelType keeps the boundaries of messages.
const channelType = unix.SOCK_SEQPACKET

// Pair makes two connected Unix sockets that are closed on exec.
func Pair(kind int) (host, child *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket"), nil
}

// pipe makes one whose writing end waits in Go's poller, and whose reading end in the kernel.
func pipe() (read, write *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	return pipeOf(fds)
}
