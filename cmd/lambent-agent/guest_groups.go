package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

// groups are the control groups of commands, of version 1: there a thread is enough to start
// commands in a group that the agent itself is not in. Nobody sees them: their mounts lie below
// the root.
type groups struct {
	memory, pids *os.Root
	killed       atomic.Int64 // by starved
}

// openGroups makes them, while paths of the first root can be named.
func (g *guest) openGroups() error {
	memory, err := newGroup("memory")
	if err != nil {
		return err
	}
	pids, err := newGroup("pids")
	if err != nil {
		return err
	}
	g.groups = &groups{memory: memory, pids: pids}
	return nil
}

func newGroup(controller string) (*os.Root, error) {
	if err := mountAt("cgroup", "/groups/"+controller, "cgroup", 0, controller); err != nil {
		return nil, err
	}
	path := "/groups/" + controller + "/commands"
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(path)
}

// enter moves the calling thread into them: what it forks is born there.
func (g *groups) enter() error {
	for _, dir := range []*os.Root{g.memory, g.pids} {
		if err := write(dir, "tasks", "0"); err != nil {
			return err
		}
	}
	return nil
}

// limit bounds all commands together. The thread that starts them counts, too.
func (g *groups) limit(m *agentproto.Bind) error {
	if m.Memory > 0 {
		if err := write(g.memory, "memory.limit_in_bytes", strconv.FormatInt(m.Memory, 10)); err != nil {
			return err
		}
		if err := g.watch(m.Memory); err != nil {
			return err
		}
	}
	if m.Pids > 0 {
		return write(g.pids, "pids.max", strconv.Itoa(m.Pids+1))
	}
	return nil
}

// forgetPeak has the peak begin with what is used now (the kernel's memcg of version 1).
func (g *groups) forgetPeak() error { return write(g.memory, "memory.max_usage_in_bytes", "0") }

func write(dir *os.Root, name, value string) error {
	f, err := dir.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(value)
	return err
}

func (g *groups) used() (*agentproto.Used, error) {
	var u agentproto.Used
	for name, into := range map[string]*int64{"memory.usage_in_bytes": &u.Memory, "memory.max_usage_in_bytes": &u.MemoryPeak} {
		text, err := g.memory.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if *into, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	u.MemoryPeak = max(u.MemoryPeak, u.Memory) // they are read one after the other
	var err error
	u.OOMKills, err = oomKills()
	u.OOMKills += g.killed.Load()
	var now unix.Timespec
	if err == nil {
		err = os.NewSyscallError("clock_gettime", unix.ClockGettime(unix.CLOCK_MONOTONIC, &now))
	}
	u.Uptime = now.Nano()
	return &u, err
}

// oomKills counts what the kernel killed for lack of memory, of a group or of all (proc_vmstat).
func oomKills() (int64, error) {
	text, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if count, is := strings.CutPrefix(lines.Text(), "oom_kill "); is {
			return strconv.ParseInt(count, 10, 64)
		}
	}
	return 0, fmt.Errorf("/proc/vmstat does not count oom_kill: %w", unix.ENOSYS)
}
