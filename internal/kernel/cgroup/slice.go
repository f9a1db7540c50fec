package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// slicePasses bounds how often SetSlice looks for threads that were started meanwhile by one that
// it had not reached.
const slicePasses = 3

// SetSlice has a thread of the group run for so long before others that want its CPU have their
// turn: with a shorter slice than theirs one that wakes up is on the CPU sooner, and its share is
// what it was. From 0.1 to 100 ms; 0 is the kernel's own. What threads start inherits it, so a slice
// that stays costs nothing; threads of another scheduling policy stay as they are. Linux before 6.12
// takes it and does nothing.
//
// Source: sched_setattr(2); Documentation/scheduler/sched-eevdf.rst.
func (g *Group) SetSlice(d time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.slice == d {
		return nil
	}
	if err := g.setSlices(d); err != nil {
		return fmt.Errorf("setting the slice of %s: %w", g.name, err)
	}
	g.slice = d
	return nil
}

// setSlices sets those of all threads. It runs with g.mu held.
func (g *Group) setSlices(d time.Duration) error {
	set := map[int]bool{}
	for range slicePasses {
		pids, err := g.members()
		if err != nil {
			return err
		}
		before := len(set)
		for _, pid := range pids {
			if err := setSlicesOf(pid, d, set); err != nil {
				return err
			}
		}
		if len(set) == before {
			break
		}
	}
	return nil
}

// setSlicesOf sets that of a process's threads that are not in set, and puts them there.
func setSlicesOf(pid int, d time.Duration, set map[int]bool) error {
	threads, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	if isGone(err) || errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, thread := range threads {
		tid, err := strconv.Atoi(thread.Name())
		if err != nil || set[tid] {
			continue
		}
		if err := setSlice(tid, d); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
		set[tid] = true
	}
	return nil
}

// setSlice leaves all else of a thread's scheduling alone.
func setSlice(tid int, d time.Duration) error {
	attr, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		return os.NewSyscallError("sched_getattr", err)
	}
	if attr.Policy != unix.SCHED_NORMAL && attr.Policy != unix.SCHED_BATCH {
		return nil
	}
	attr.Runtime = uint64(d.Nanoseconds())
	return os.NewSyscallError("sched_setattr", unix.SchedSetAttr(tid, attr, 0))
}
