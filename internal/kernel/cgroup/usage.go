package cgroup

import (
	"fmt"
	"time"
)

// Usage is what a group has used since it was created.
type Usage struct {
	Memory     int64         // bytes now, page cache included
	MemoryPeak int64         // bytes
	CPU        time.Duration // of all processes together
	OOMKills   int64         // processes killed at the memory limit

	// What follows depends on the kernel, its configuration and the layout. Waiting and the
	// stalls are means over the CPUs that the group was on, weighted by how long it was not
	// idle there (kernel/sched/psi.c, collect_percpu_times): of a thread that waits on one CPU
	// after the other they show a part, with N CPUs at least an Nth.
	Throttled    Counter[time.Duration] // held back by CPUQuota, summed over CPUs
	Waiting      Counter[time.Duration] // at least one thread could run and had no CPU
	HostWaiting  Counter[time.Duration] // the same of any thread of the host
	MemoryStall  Counter[time.Duration] // at least one thread waited for memory: reclaim, refaults, swap
	IOStall      Counter[time.Duration] // at least one thread waited for a block device
	Faults       Counter[int64]         // page faults, major ones included
	MajorFaults  Counter[int64]         // those that had to read from a device
	ReadBytes    Counter[int64]         // from block devices
	WrittenBytes Counter[int64]         // to block devices
}

// Counter is a figure that not every host keeps. Not known is not zero.
type Counter[T ~int64] struct {
	Value T
	Known bool
}

func known[T ~int64](v T) Counter[T] { return Counter[T]{v, true} }

// Usage reads the counters. It keeps their files open for the next time, until Rest,
// Freeze or Close, or until groups that are read more often need the descriptors: all groups
// of a Host together keep at most an eighth of what RLIMIT_NOFILE allows, and 4,096. Reading
// a closed group is a mistake and an error.
func (g *Group) Usage() (Usage, error) {
	u, err := g.meter.read()
	if err != nil {
		return Usage{}, fmt.Errorf("reading usage of group %s: %w", g.name, err)
	}
	return u, nil
}

// Brief reads MemoryPeak and CPU, at a fifth of the cost or less. Of the rest it may have
// some: it is no figure to rely on.
func (g *Group) Brief() (Usage, error) {
	u, err := g.meter.brief()
	if err != nil {
		return Usage{}, fmt.Errorf("reading brief usage of group %s: %w", g.name, err)
	}
	return u, nil
}

// outside is no hierarchy: the file's path is absolute.
const outside = -1

// gauge is one file of counters and what to take from its text.
type gauge struct {
	at   int // the hierarchy, or outside
	file string
	take func(text []byte, u *Usage) error

	brief  bool // MemoryPeak or CPU comes from it
	number bool // it is a single one, for which the kernel takes no lock
}

// gauges lists the files that this host's layout offers, as few as will do. Source: the
// kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/{memory,cpuacct}.rst.
func (h *Host) gauges() []gauge {
	var all []gauge
	for _, c := range []struct {
		controller string
		v1, v2     []gauge
	}{
		{memory, gaugesOfMemoryV1, gaugesOfMemoryV2},
		{cpuacct, []gauge{{file: "cpuacct.usage", take: takeCPU, brief: true, number: true}}, nil},
		{cpu, []gauge{{file: "cpu.stat", take: takeThrottledV1}}, nil},
		{blockIO, nil, []gauge{{file: "io.stat", take: takeBytes}}},
	} {
		at, ok := h.where(c.controller)
		switch {
		case !ok:
		case h.hierarchies[at].version == 2:
			all = append(all, on(at, c.v2)...)
		default:
			all = append(all, on(at, c.v1)...)
		}
	}
	return append(append(all, h.gaugesOfV2()...), gauge{at: outside, file: hostPressure, take: takeHostWaiting})
}

var (
	gaugesOfMemoryV1 = []gauge{
		{file: "memory.usage_in_bytes", take: takeMemory},
		{file: "memory.max_usage_in_bytes", take: takePeak, brief: true, number: true},
		{file: "memory.oom_control", take: takeOOMKills},
		{file: "memory.stat", take: takeFaults},
	}
	gaugesOfMemoryV2 = []gauge{
		{file: "memory.current", take: takeMemory, brief: true, number: true},
		{file: "memory.peak", take: takePeak, brief: true, number: true}, // Linux 5.19
		{file: "memory.events", take: takeOOMKills},
		{file: "memory.stat", take: takeFaults},
	}
	gaugesOfPressure = []gauge{ // Linux 4.20, where psi is not switched off
		{file: "cpu.pressure", take: takeWaiting},
		{file: "memory.pressure", take: takeMemoryStall},
		{file: "io.pressure", take: takeIOStall},
	}
)

// gaugesOfV2 are what v2 counts without a controller. Its cpu.stat is read only for what
// v1 does not count on this host.
func (h *Host) gaugesOfV2() []gauge {
	at, ok := h.v2()
	if !ok {
		return nil
	}
	all := gaugesOfPressure
	_, counted := h.where(cpuacct)
	if by, ok := h.where(cpu); !counted || ok && by == at {
		all = append([]gauge{{file: "cpu.stat", take: takeCPUV2, brief: !counted}}, all...)
	}
	return on(at, all)
}

// on places gauges on a hierarchy.
func on(at int, list []gauge) []gauge {
	placed := make([]gauge, 0, len(list))
	for _, g := range list {
		g.at = at
		placed = append(placed, g)
	}
	return placed
}
