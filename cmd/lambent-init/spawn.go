package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// spawner starts programs for the daemon. All of it runs on the main thread.
type spawner struct {
	home    []int // doors of the groups that it lives in
	network int   // namespace that it lives in
	oom     *score
}

// spawn serves until the daemon is gone.
func spawn(control int) error {
	// A thread that shares its root with others cannot change its mount namespace.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	unix.CloseOnExec(control)
	signal.Ignore(syscall.SIGCHLD) // the kernel reaps
	packet := make([]byte, initproto.MaxPacket)
	var s spawner
	var nothing struct{}
	var err error
	if s.home, err = initproto.ReceiveInto(control, packet, initproto.MaxSpawnFDs, &nothing); err != nil {
		return err
	}
	if s.network, err = unix.Open("/proc/self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return &os.PathError{Op: "open", Path: "/proc/self/ns/net", Err: err}
	}
	if s.oom, err = openScore(); err != nil {
		return err
	}
	for {
		if err := s.serve(control, packet); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// serve answers one request. An error ends the spawner: it may be where it must not stay.
func (s *spawner) serve(control int, packet []byte) error {
	var request initproto.Spawn
	fds, err := initproto.ReceiveInto(control, packet, initproto.MaxSpawnFDs, &request)
	if err != nil {
		return err
	}
	defer closeAll(fds)
	pidfd, failed := s.start(&request, fds)
	if err := s.goHome(&request); err != nil {
		return err
	}
	if failed != nil {
		return initproto.Send(control, initproto.Spawned{Error: failed.Error()})
	}
	defer func() { _ = unix.Close(pidfd) }()
	return initproto.Send(control, initproto.Spawned{}, pidfd)
}

// start goes where the program is to be and clones it there.
func (s *spawner) start(r *initproto.Spawn, fds []int) (pidfd int, err error) {
	want := 1 + r.Doors + r.Files
	for _, one := range []bool{r.Network, r.Group} {
		if one {
			want++
		}
	}
	if len(fds) != want {
		return -1, fmt.Errorf("%d descriptors came for %d", len(fds), want)
	}
	if err := unix.Setns(fds[0], unix.CLONE_NEWNS); err != nil {
		return -1, fmt.Errorf("entering the template's mounts: %w", err)
	}
	fds = fds[1:]
	if r.Network {
		if err := unix.Setns(fds[0], unix.CLONE_NEWNET); err != nil {
			return -1, fmt.Errorf("entering the network: %w", err)
		}
		fds = fds[1:]
	}
	sys := attributesOf(r, &pidfd)
	if r.Group {
		sys.UseCgroupFD, sys.CgroupFD = true, fds[0]
		fds = fds[1:]
	}
	if err := enter(fds[:r.Doors]); err != nil {
		return -1, err
	}
	attributes := &syscall.ProcAttr{Dir: "/", Env: r.Env, Files: files(fds[r.Doors:]), Sys: sys}
	err = s.oom.raised(scoreOfBoxes, func() error {
		return asOwner(r.Owner, func() error { _, err := syscall.ForkExec(r.Path, r.Args, attributes); return err })
	})
	if err != nil {
		return -1, fmt.Errorf("starting %s: %w", r.Path, err)
	}
	return pidfd, nil
}

func attributesOf(r *initproto.Spawn, pidfd *int) *syscall.SysProcAttr {
	sys := &syscall.SysProcAttr{Setsid: true, Cloneflags: r.Flags, PidFD: pidfd}
	if r.IDs > 0 {
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: r.FirstID, Size: r.IDs}}
		sys.UidMappings, sys.GidMappings, sys.GidMappingsEnableSetgroups = ids, ids, true
		sys.Credential = &syscall.Credential{}
	}
	return sys
}

func files(fds []int) []uintptr {
	all := make([]uintptr, len(fds))
	for i, fd := range fds {
		all[i] = uintptr(fd)
	}
	return all
}

// enter moves the calling thread through the doors of control groups.
func enter(doors []int) error {
	for _, door := range doors {
		if _, err := unix.Write(door, []byte("0")); err != nil {
			return fmt.Errorf("entering a control group: %w", err)
		}
	}
	return nil
}

// goHome leaves the groups and the network of a request, also after a failure in the
// middle. The mount namespace is left with the next.
func (s *spawner) goHome(r *initproto.Spawn) error {
	if r.Doors > 0 {
		if err := enter(s.home); err != nil {
			return err
		}
	}
	if !r.Network {
		return nil
	}
	return os.NewSyscallError("setns", unix.Setns(s.network, unix.CLONE_NEWNET))
}
