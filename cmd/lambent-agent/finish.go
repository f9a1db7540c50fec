package main

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// emptyFile is a device that everybody may open.
const emptyFile = "/dev/null"

// finish does what only a process inside can do.
func (b *box) finish(s *agentproto.Setup) error {
	b.setup = s
	for _, step := range []func() error{func() error { return b.world.finish(s) }, b.mountShm, b.openNull, setLimits} {
		if err := step(); err != nil {
			return fmt.Errorf("finishing the box: %w", err)
		}
	}
	return nil
}

func (b *box) mountShm() error {
	flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	return mount.Tmpfs("/dev/shm", flags, fmt.Sprintf("mode=1777,size=%d", b.setup.ShmSize))
}

func (b *box) openNull() (err error) {
	if b.null, err = unix.Open(emptyFile, unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return &os.PathError{Op: "open", Path: emptyFile, Err: err}
	}
	return nil
}

// setLimits sets what commands inherit.
func setLimits() error {
	for resource, limit := range initproto.Limits() {
		if err := setLimit(resource, limit); err != nil {
			return err
		}
	}
	return nil
}

func setLimit(resource int, limit uint64) error {
	if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		return fmt.Errorf("setting the limit of resource %d: %w", resource, err)
	}
	return nil
}

// bind shows a function's folders where it expects them.
func (b *box) bind(m *agentproto.Bind) error {
	if len(m.Targets) != len(m.Names) {
		return fmt.Errorf("%d folders came for %d targets", len(m.Names), len(m.Targets))
	}
	if err := b.world.bind(b, m); err != nil {
		return err
	}
	b.bound = true
	return nil
}

// limitWaiting sets the limit of what was started before it was known.
func (b *box) limitWaiting(pids uint64) error {
	return b.children.Each(func(pid int) error {
		limit := unix.Rlimit{Cur: pids, Max: pids}
		return os.NewSyscallError("prlimit", unix.Prlimit(pid, unix.RLIMIT_NPROC, &limit, nil))
	})
}
