package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what a group has used since it was created. What the host does not
// count is 0.
type Usage struct {
	Memory     int64         // bytes now, page cache included
	MemoryPeak int64         // bytes
	CPU        time.Duration // of all processes together
	Throttled  time.Duration // held back by CPUQuota
	OOMKills   int64         // processes killed at the memory limit
}

// Usage reads the counters.
func (g *Group) Usage() (Usage, error) {
	r := reader{group: g}
	var u Usage
	if g.versionOf(memory) == 2 {
		r.memoryV2(&u)
	} else {
		r.memoryV1(&u)
	}
	if g.versionOf(cpuacct) == 1 {
		u.CPU = time.Duration(r.number(cpuacct, "cpuacct.usage"))
	}
	r.cpuStat(&u)
	if r.err != nil {
		return Usage{}, fmt.Errorf("reading usage of group %s: %w", g.name, r.err)
	}
	return u, nil
}

// versionOf is the version that carries a controller, 0 if none does.
func (g *Group) versionOf(controller string) version {
	at, ok := g.host.where(controller)
	if !ok {
		return 0
	}
	return g.host.hierarchies[at].version
}

// reader reads counters of a group and keeps the first error.
type reader struct {
	group *Group
	err   error
}

func (r *reader) memoryV1(u *Usage) {
	u.Memory = r.number(memory, "memory.usage_in_bytes")
	u.MemoryPeak = r.number(memory, "memory.max_usage_in_bytes")
	u.OOMKills = field(r.text(memory, "memory.oom_control"), "oom_kill")
}

func (r *reader) memoryV2(u *Usage) {
	u.Memory = r.number(memory, "memory.current")
	u.MemoryPeak = max(u.Memory, r.number(memory, "memory.peak")) // Linux 5.19
	u.OOMKills = field(r.text(memory, "memory.events"), "oom_kill")
}

// cpuStat reads cpu.stat, which counts nanoseconds on v1 and microseconds on v2;
// v2 has it also where the cpu controller is on v1.
func (r *reader) cpuStat(u *Usage) {
	if r.group.versionOf(cpu) == 1 {
		u.Throttled = time.Duration(field(r.text(cpu, "cpu.stat"), "throttled_time"))
	}
	at, ok := r.group.host.v2()
	if !ok {
		return
	}
	stat := r.file(at, "cpu.stat")
	if r.group.versionOf(cpuacct) == 0 {
		u.CPU = time.Duration(field(stat, "usage_usec")) * time.Microsecond
	}
	if r.group.versionOf(cpu) == 2 {
		u.Throttled = time.Duration(field(stat, "throttled_usec")) * time.Microsecond
	}
}

func (r *reader) number(controller, file string) int64 {
	text := strings.TrimSpace(r.text(controller, file))
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s: %w", file, err)
	}
	return n
}

func (r *reader) text(controller, file string) string {
	at, ok := r.group.host.where(controller)
	if !ok {
		return ""
	}
	return r.file(at, file)
}

// file is "" where this kernel lacks the file. That the folder itself is gone is an
// error: reading a closed group is a mistake.
func (r *reader) file(at int, name string) string {
	dir := r.group.dirs[at]
	text, err := r.group.host.tree.read(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		_, err = r.group.host.tree.folders(dir)
	}
	if err != nil && r.err == nil {
		r.err = err
	}
	return text
}

// field finds "name number" in the lines of a flat keyed file, 0 if it is not there.
func field(text, name string) int64 {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && key == name {
			n, _ := strconv.ParseInt(value, 10, 64)
			return max(n, 0)
		}
	}
	return 0
}
