package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// emptyFile is a device that everybody may open.
const emptyFile = "/dev/null"

// needless are devices that gVisor makes and no function needs.
var needless = []string{"/dev/fuse", "/dev/net", "/dev/ptmx", "/dev/pts", "/dev/char"}

// finish does what only a process inside can do.
func (b *box) finish(s *agentproto.Setup) error {
	b.setup = s
	for _, step := range []func() error{b.mountShm, b.trimDevices, b.openNull, setLimits} {
		if err := step(); err != nil {
			return fmt.Errorf("finishing the box: %w", err)
		}
	}
	return nil
}

func (b *box) mountShm() error {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	return mount.Tmpfs("/dev/shm", flags, fmt.Sprintf("mode=1777,size=%d", b.setup.ShmSize))
}

func (b *box) trimDevices() error {
	if b.setup.Devices {
		return nil
	}
	for _, path := range needless {
		if err := trim(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// trim removes a device, or a folder of them with what is mounted there.
func trim(path string) error {
	_ = unix.Unmount(path, unix.MNT_DETACH) // most are no mounts
	return os.RemoveAll(path)
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

// bind shows a function's folders where it expects them: in the box's private folder the host
// has mounted them already.
func (b *box) bind(m *agentproto.Bind) error {
	if len(m.Targets) != len(m.Names) {
		return fmt.Errorf("%d folders came for %d targets", len(m.Names), len(m.Targets))
	}
	for i, target := range m.Targets {
		source := filepath.Join(agentproto.Code, m.Names[i])
		if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
			return &os.PathError{Op: "mount", Path: target, Err: err}
		}
	}
	b.bound = true
	if m.Pids == 0 {
		return nil
	}
	// The kernel counts by user: those of commands. The agent holds a right to pass it.
	return errors.Join(setLimit(unix.RLIMIT_NPROC, uint64(m.Pids)), b.limitWaiting(uint64(m.Pids)))
}

// limitWaiting sets the limit of what was started before it was known.
func (b *box) limitWaiting(pids uint64) error {
	return b.children.Each(func(pid int) error {
		limit := unix.Rlimit{Cur: pids, Max: pids}
		return os.NewSyscallError("prlimit", unix.Prlimit(pid, unix.RLIMIT_NPROC, &limit, nil))
	})
}

// dropRights gives up what would let the agent, if it was taken over, change the box again.
func (b *box) dropRights() error {
	if b.setup.Privileged {
		return nil
	}
	return caps.Keep(unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_KILL, unix.CAP_SYS_RESOURCE)
}
