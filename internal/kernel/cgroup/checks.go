package cgroup

import (
	"fmt"
	"path/filepath"
)

// Check is one thing that groups need or can use.
type Check struct {
	Name     string // "cgroup memory controller"
	Found    string // "v1 at /sys/fs/cgroup/memory"
	OK       bool
	Required bool   // Create refuses without it
	Needed   string // what would be good; "" when OK
	Fix      string // what a person can do; "" when OK
}

// Checks says which controllers this host offers.
func (h *Host) Checks() []Check {
	checks := []Check{
		h.checkController(memory, "boot with cgroup_enable=memory, or enable it in the parent's cgroup.subtree_control"),
		h.checkController(pids, "use a kernel with CONFIG_CGROUP_PIDS, or enable it in the parent's cgroup.subtree_control"),
		h.checkController(cpu, "use a kernel with CONFIG_CGROUP_SCHED: without it there is no CPU weight and no quota"),
	}
	if _, ok := h.v2(); !ok {
		checks = append(checks, h.checkController(cpuacct, "mount the cpuacct controller: without it used CPU time is not known"))
	}
	return append(checks, h.checkFreezer(), h.checkPressure(), h.checkSwap())
}

// checkFreezer says how idle groups are stopped: v2 needs no controller for it.
func (h *Host) checkFreezer() Check {
	_, onV1 := h.where(freezer)
	at, ok := h.v2()
	if onV1 || !ok {
		return h.checkController(freezer, "mount the freezer controller: without it idle instances keep running")
	}
	return Check{Name: "cgroup freezer controller", Found: "v2 at " + h.hierarchies[at].mount, OK: true}
}

// checkPressure says whether it is known how long something waited for memory and I/O. For
// a CPU the delays of single threads say so, too.
func (h *Host) checkPressure() Check {
	check := Check{Name: "cgroup pressure", Found: "not measured", Needed: "cgroup2 with pressure (PSI)", Fix: "boot with psi=1 and the controllers on cgroup2: without it receipts do not say how long a function waited for memory and I/O"}
	if at, ok := h.v2(); ok && measuresPressure(h.tree) {
		check = Check{Name: check.Name, Found: "v2 at " + h.hierarchies[at].mount, OK: true}
	}
	return check
}

func (h *Host) checkController(name, fix string) Check {
	check := Check{Name: "cgroup " + name + " controller", Required: name == memory || name == pids}
	at, ok := h.where(name)
	if !ok {
		check.Found, check.Needed, check.Fix = "not in the "+h.layout+" layout", "mounted, as v1 or v2", fix
		return check
	}
	one := h.hierarchies[at]
	check.OK, check.Found = true, fmt.Sprintf("v%d at %s", one.version, one.mount)
	return check
}

// checkSwap says whether the memory limit holds for swap too. v1 counts swap only
// with memsw files; v2 does unless it was booted without swap accounting.
func (h *Host) checkSwap() Check {
	check := Check{Name: "cgroup swap limit", Needed: "v2 memory.swap.max or v1 memory.memsw", Fix: "boot with swapaccount=1, or run without swap"}
	at, ok := h.where(memory)
	if !ok {
		check.Found = "no memory controller"
		return check
	}
	one := h.hierarchies[at]
	if one.version == 2 {
		return Check{Name: check.Name, Found: "v2 memory.swap.max", OK: true}
	}
	if _, err := h.tree.read(filepath.Join(one.mount, "memory.memsw.usage_in_bytes")); err != nil {
		check.Found = "no memory.memsw files"
		return check
	}
	return Check{Name: check.Name, Found: "v1 memory.memsw", OK: true}
}
