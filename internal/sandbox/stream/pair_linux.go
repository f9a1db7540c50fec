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
