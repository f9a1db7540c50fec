package stream

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// channelType keeps the boundaries of messages: macOS has no sequential packets between
// Unix sockets.
const channelType = unix.SOCK_DGRAM

// Pair makes two connected Unix sockets that are closed on exec.
func Pair(kind int) (host, child *os.File, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := unix.Socketpair(unix.AF_UNIX, kind, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	return os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket"), nil
}

// pipe makes one whose writing end waits in Go's poller, and whose reading end in the kernel.
func pipe() (read, write *os.File, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return nil, nil, os.NewSyscallError("pipe", err)
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	return pipeOf(fds)
}
