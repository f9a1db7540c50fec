package light

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// child is a process that the spawner started, known by its pidfd: the spawner is its
// parent and nobody asks how it ended.
type child struct{ pidfd *os.File }

// newChild takes a pidfd over.
func newChild(pidfd int) (*child, error) {
	if err := unix.SetNonblock(pidfd, true); err != nil { // or Go would not poll it
		return nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(pidfd))
	}
	return &child{os.NewFile(uintptr(pidfd), "pidfd")}, nil
}

// kill ends the process. One that ended already is left alone.
func (c *child) kill() {
	_ = c.control(func(fd int) { _ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) })
}

// control runs f with the descriptor, which stays the child's.
func (c *child) control(f func(fd int)) error {
	raw, err := c.pidfd.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { f(int(fd)) })
}

// wait returns when the process has ended.
func (c *child) wait() error {
	raw, err := c.pidfd.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Read(func(fd uintptr) bool { return hasEnded(int(fd)) })
}

// hasEnded says whether a pidfd's process has: then it can be read (pidfd_open(2)).
func hasEnded(pidfd int) bool {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1
}

func (c *child) close() error { return c.pidfd.Close() }
