package host

import (
	"fmt"
	"strings"

	"lambent.dev/lambent/internal/sandbox"
)

// kernel: mount_setattr and firewall tables that end with their owner came with Linux 5.12.
func (h *Host) kernel() sandbox.Check {
	const name = "kernel"
	release := h.text("/proc/sys/kernel/osrelease")
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return good(name, orNone(release))
	}
	if major < 5 || major == 5 && minor < 12 {
		return advice(name, release, "boot a newer kernel: isolations that need what it lacks are not available")
	}
	return good(name, release)
}

// pressure tells how long functions waited for memory and disks.
func (h *Host) pressure() sandbox.Check {
	const name = "pressure"
	if !h.exists("/proc/pressure/memory") && h.exists("/proc/stat") {
		return advice(name, "not measured", "boot with psi=1: without it receipts do not say how long functions waited for memory")
	}
	return good(name, "measured")
}

// overcommit: under strict accounting a fork needs as much free memory as its parent could write to.
func (h *Host) overcommit() sandbox.Check {
	const name = "memory overcommit"
	switch mode := h.text("/proc/sys/vm/overcommit_memory"); mode {
	case "2":
		return advice(name, "2, strict: forks of interpreters and guests of microvm may be refused", "sysctl -w vm.overcommit_memory=0")
	case "":
		return good(name, "unknown")
	default:
		return good(name, mode)
	}
}

// clock: other sources need a system call, or leave the guest, at each look at the time.
func (h *Host) clock() sandbox.Check {
	const name = "clock source"
	switch source := h.text("/sys/devices/system/clocksource/clocksource0/current_clocksource"); source {
	case "":
		return good(name, "unknown")
	case "tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page":
		return good(name, source)
	default:
		return advice(name, source+": slow, and each phase of a receipt is a look at it", "boot with tsc=reliable if the machine's TSC is stable, else choose another type of machine")
	}
}

func (h *Host) cgroups() sandbox.Check {
	const name = "cgroup mode"
	controllers := h.text("/sys/fs/cgroup/cgroup.controllers")
	if controllers != "" {
		return good(name, "v2: "+controllers)
	}
	mounts := h.text("/proc/self/mounts")
	switch v1, v2 := strings.Contains(mounts, " cgroup "), strings.Contains(mounts, " cgroup2 "); {
	case v1 && v2:
		return advice(name, "v1 and v2, the controllers on v1", "boot with systemd.unified_cgroup_hierarchy=1: v2 has pressure, one group for all controllers, and kills a group at once")
	case v1:
		return advice(name, "v1", "boot with systemd.unified_cgroup_hierarchy=1: v2 has pressure, one group for all controllers, and kills a group at once")
	case v2:
		return advice(name, "v2 without controllers", "enable memory, cpu and pids in cgroup.subtree_control of the root")
	}
	return advice(name, "none is mounted", "mount -t cgroup2 none /sys/fs/cgroup")
}

// favouredMoves: since Linux 6.0 starting a process in another group may take an RCU grace
// period, milliseconds, unless the hierarchy was mounted with favordynmods (kernel
// documentation, cgroup-v2).
func (h *Host) favouredMoves() sandbox.Check {
	const name = "cgroup favordynmods"
	for line := range strings.Lines(h.text("/proc/self/mounts")) {
		fields := strings.Fields(line)
		if len(fields) > 3 && fields[2] == "cgroup2" {
			if strings.Contains(fields[3], "favordynmods") {
				return good(name, "on")
			}
			return advice(name, "off: moving into a group may wait for milliseconds", "mount -o remount,favordynmods "+fields[1])
		}
	}
	return good(name, "no cgroup2")
}

func (h *Host) hugePages() sandbox.Check {
	const name = "transparent huge pages"
	switch mode := chosen(h.text("/sys/kernel/mm/transparent_hugepage/enabled")); mode {
	case "always":
		return advice(name, "always: each small process may get 2 MiB where it needs 4 KiB", "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")
	case "":
		return good(name, "not in this kernel")
	default:
		return good(name, mode)
	}
}

// guestPages: the mitigation of CVE-2018-12207 splits huge pages of guests that execute.
func (h *Host) guestPages() sandbox.Check {
	const name, file = "kvm.nx_huge_pages", "/sys/module/kvm/parameters/nx_huge_pages"
	switch value := h.text(file); value {
	case "":
		return good(name, "no KVM")
	case "Y", "auto", "force":
		return advice(name, value+": the first start of a guest waits for a kernel thread, and its pages are split", "where only your own code runs in guests, or the CPU is not affected (CVE-2018-12207): echo never > "+file)
	default:
		return good(name, value)
	}
}

func (h *Host) virtualisation() sandbox.Check {
	const name = "virtualisation"
	guest := strings.Contains(h.text("/proc/cpuinfo"), " hypervisor")
	nested := h.text("/sys/module/kvm_intel/parameters/nested") + h.text("/sys/module/kvm_amd/parameters/nested")
	kvm := h.exists("/dev/kvm")
	switch {
	case !kvm && guest:
		return good(name, "a virtual machine, without nested ones: microvm is emulated")
	case !kvm:
		return advice(name, "no /dev/kvm: microvm is emulated", "switch virtualisation on in the firmware, then modprobe kvm_intel or kvm_amd")
	case guest:
		return good(name, "a virtual machine with /dev/kvm: guests are nested, if it runs any (KVM under microvm)")
	}
	return good(name, fmt.Sprintf("bare metal with /dev/kvm, nested %s", orNone(nested)))
}

func orNone(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

func (h *Host) threads() sandbox.Check {
	const name = "hyperthreads"
	switch h.text("/sys/devices/system/cpu/smt/active") {
	case "1":
		return advice(name, "on: two functions on one core see each other's timing, and slow each other down", "for untrusted code: echo off > /sys/devices/system/cpu/smt/control")
	case "0":
		return good(name, "off")
	}
	return good(name, "unknown")
}

func (h *Host) governor() sandbox.Check {
	const name = "CPU frequency"
	switch governor := h.text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"); governor {
	case "powersave", "conservative":
		return advice(name, governor+": the first milliseconds after a pause are slow", "cpupower frequency-set -g performance")
	case "":
		return good(name, "not ours to set")
	default:
		return good(name, governor)
	}
}
