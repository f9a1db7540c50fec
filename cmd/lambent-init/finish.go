package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/kernel/landlock"
	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/kernel/seccomp"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// nothing covers what is masked: an empty folder of the template, and a device.
const (
	emptyFolder = "/.lambent/empty"
	emptyFile   = "/dev/null"
)

// finish does what only a process inside the new namespaces can do. The descriptor
// beside the request is the mount of /tmp.
func (b *box) finish(s *initproto.Setup, fds []int) error {
	b.setup = s
	if len(fds) != 1 {
		return fmt.Errorf("%d descriptors came for /tmp", len(fds))
	}
	if err := mount.Attach(fds[0], "/tmp"); err != nil {
		return err
	}
	if err := closeInherited(s, uint(fds[0])); err != nil {
		return err
	}
	steps := []func(*initproto.Setup) error{guard, mountProc, cover, mountShm, b.open, setLimits, nameHost, emptyBounding, b.prepare}
	for _, step := range steps {
		if err := step(s); err != nil {
			return fmt.Errorf("finishing the box: %w", err)
		}
	}
	return nil
}

// closeInherited closes what the daemon itself had inherited without close-on-exec; keep
// is the caller's to close.
func closeInherited(s *initproto.Setup, keep uint) error {
	if s.Descriptors {
		return nil
	}
	unix.CloseOnExec(initproto.ControlFD)
	// The Go runtime holds descriptors of its own only after it polled: not yet.
	for _, r := range [][2]uint{{initproto.ControlFD + 1, keep - 1}, {keep + 1, math.MaxInt32}} {
		if r[0] > r[1] {
			continue
		}
		if err := unix.CloseRange(r[0], r[1], 0); err != nil {
			return os.NewSyscallError("close_range", err)
		}
	}
	return nil
}

// guard keeps commands, even of the same uid, out of the init's memory and
// descriptors (ptrace(2), "Ptrace access mode checking").
func guard(s *initproto.Setup) error {
	if s.Dumpable {
		return nil
	}
	return os.NewSyscallError("prctl(PR_SET_DUMPABLE)", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
}

func mountProc(s *initproto.Setup) error {
	if s.HostProc {
		return nil
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("proc", "/proc", "proc", flags, ""); err != nil {
		return &os.PathError{Op: "mount proc", Path: "/proc", Err: err}
	}
	return nil
}

// cover hides the masked paths and makes others read-only.
func cover(s *initproto.Setup) error {
	for _, path := range s.Masked {
		if err := mask(path, emptyFile, emptyFolder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, path := range s.MaskedFolders {
		if err := mask(path, emptyFolder, emptyFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, path := range s.ReadOnly {
		const attr = mount.ReadOnly | mount.NoSUID | mount.NoDev | mount.NoExec
		if err := mount.Bind(path, path, attr, false); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// mask puts cover over path, or else what fits it: the kernel looks whether it is a folder.
func mask(path, cover, other string) error {
	err := unix.Mount(cover, path, "", unix.MS_BIND, "")
	if errors.Is(err, unix.ENOTDIR) {
		err = unix.Mount(other, path, "", unix.MS_BIND, "")
	}
	if err != nil {
		return &os.PathError{Op: "mask", Path: path, Err: err}
	}
	return nil
}

func mountShm(s *initproto.Setup) error {
	if s.ShmSize == 0 {
		return nil
	}
	flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if s.SetUID {
		flags &^= unix.MS_NOSUID
	}
	return mount.Tmpfs("/dev/shm", flags, fmt.Sprintf("mode=1777,size=%d", s.ShmSize))
}

// open opens what cannot be opened once the rights are gone.
func (b *box) open(*initproto.Setup) (err error) {
	if b.oom, err = openScore(); err != nil {
		return err
	}
	if b.null, err = unix.Open(emptyFile, unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return &os.PathError{Op: "open", Path: emptyFile, Err: err}
	}
	return nil
}

// setLimits sets what commands inherit.
func setLimits(*initproto.Setup) error {
	for resource, limit := range initproto.Limits() {
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("setting the limit of resource %d: %w", resource, err)
		}
	}
	return nil
}

func nameHost(s *initproto.Setup) error {
	if s.Hostname == "" {
		return nil
	}
	return os.NewSyscallError("sethostname", unix.Sethostname([]byte(s.Hostname)))
}

// prepare does what of dropRights costs time: a request waits for that, and for this nobody.
func (b *box) prepare(s *initproto.Setup) (err error) {
	if len(s.Writable) > 0 {
		if b.rules, err = landlock.Writes(s.Writable...); err != nil {
			return err
		}
	}
	if len(s.Filter) > 0 {
		return seccomp.Install(s.Filter)
	}
	return nil
}

// emptyBounding empties the bounding set already here: it costs the init nothing that it
// needs for Bind, and it is time that no request waits for.
func emptyBounding(s *initproto.Setup) error {
	if s.Privileged {
		return nil
	}
	return caps.EmptyBounding()
}
