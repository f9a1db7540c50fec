package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Commands at their memory limit can live on without getting anywhere: the kernel takes away the
// pages of their programs, which it reads again at once, and calls that progress. Reading is slow
// where the processor is emulated, so that goes on for half a minute. starved ends it.
const (
	// starvedPause is the time between two looks, starvedFor how many must see it.
	starvedPause, starvedFor = 100 * time.Millisecond, 5
	// starvedQuiet is after how many looks in a row without a failure commands are no longer
	// thought to be starved. Fewer say nothing: a guest on a busy host stands still for some.
	starvedQuiet = 10
	// starvedPages is what is left of files in memory, in bytes: less than what a program runs from.
	starvedPages = 4 << 20
	// starvedMargin is how far from the limit, in bytes, it is looked at all.
	starvedMargin = 1 << 20
)

// watch has the kernel tell when commands come near their limit: until then nothing is looked at.
// Source: the kernel's Documentation/admin-guide/cgroup-v1/memory.rst, "Memory thresholds".
func (g *groups) watch(limit int64) error {
	usage, err := g.memory.Open("memory.usage_in_bytes")
	if err != nil {
		return err
	}
	defer usage.Close() // the kernel keeps what it needs
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if err := write(g.memory, "cgroup.event_control", fmt.Sprint(event, " ", usage.Fd(), " ", limit-starvedMargin)); err != nil {
		_ = unix.Close(event) // the first error counts
		return err
	}
	go func() { // ends with the machine
		for count := make([]byte, 8); ; {
			if _, err := unix.Read(event, count); err == nil {
				g.starved(limit)
			} else if err != unix.EINTR {
				return
			}
		}
	}()
	return nil
}

// starved kills the largest command, as the kernel's killer would, if it and the others get
// nowhere. It returns when they are away from the limit.
func (g *groups) starved(limit int64) {
	for w := (want{failures: g.failures()}); g.number("memory.usage_in_bytes") >= limit-starvedMargin; {
		time.Sleep(starvedPause)
		if w.look(g.failures(), g.ofFiles()) {
			g.killLargest()
			w.seen = 0
		}
	}
}

// want is what looks have seen of commands at their limit.
type want struct {
	failures    int64 // at the last look
	seen, quiet int   // looks that saw them starve; looks since, without a failure
}

// look says whether commands starve, by how often they met the limit and the bytes that pages
// of files hold.
func (w *want) look(failures, ofFiles int64) bool {
	met := failures > w.failures
	w.failures = failures
	switch {
	case ofFiles >= starvedPages:
		w.seen, w.quiet = 0, 0
	case met:
		w.seen, w.quiet = w.seen+1, 0
	default:
		if w.quiet++; w.quiet >= starvedQuiet {
			w.seen = 0
		}
	}
	return w.seen >= starvedFor
}

// failures is how often commands met the limit.
func (g *groups) failures() int64 { return g.number("memory.failcnt") }

// number reads a file of one number; 0 where that cannot be.
func (g *groups) number(name string) int64 {
	text, err := g.memory.ReadFile(name)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64) // the kernel writes numbers
	return n
}

// ofFiles are the bytes that pages of files hold.
func (g *groups) ofFiles() (sum int64) {
	text, err := g.memory.ReadFile("memory.stat")
	if err != nil {
		return starvedPages
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "total_active_file" || name == "total_inactive_file" {
			n, _ := strconv.ParseInt(value, 10, 64) // as above
			sum += n
		}
	}
	return sum
}

// killLargest ends the command with most memory of its own (proc_pid_statm(5)).
func (g *groups) killLargest() {
	text, err := g.memory.ReadFile("cgroup.procs")
	if err != nil {
		return
	}
	largest, most := 0, int64(-1)
	for _, word := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(word)
		if err != nil || pid == os.Getpid() { // the thread that starts commands is in the group
			continue
		}
		if own := residentOf(pid); own > most {
			largest, most = pid, own
		}
	}
	if largest != 0 && unix.Kill(largest, unix.SIGKILL) == nil {
		g.killed.Add(1)
	}
}

func residentOf(pid int) (pages int64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, shared int64
	_, _ = fmt.Sscan(string(text), &size, &pages, &shared)
	return pages - shared
}
