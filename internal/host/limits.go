package host

import (
	"fmt"
	"io/fs"
	"strings"

	"lambent.dev/lambent/internal/sandbox"
)

// leastDescriptors is enough for some thousand instances: each holds about fifteen.
const leastDescriptors = 65536

func (h *Host) descriptors() sandbox.Check {
	const name = "descriptors of a process"
	limit, err := h.Descriptors()
	switch {
	case err != nil:
		return good(name, "unknown: "+err.Error())
	case limit < leastDescriptors:
		return advice(name, fmt.Sprint(limit), fmt.Sprintf("ulimit -n %d, or LimitNOFILE=%d in the unit: an instance holds some fifteen", leastDescriptors, leastDescriptors))
	}
	return good(name, fmt.Sprint(limit))
}

func (h *Host) processes() sandbox.Check {
	return h.atLeast("process numbers", "/proc/sys/kernel/pid_max", 65536, "sysctl -w kernel.pid_max=4194304")
}

func (h *Host) tasks() sandbox.Check {
	return h.atLeast("threads of the host", "/proc/sys/kernel/threads-max", 30_000, "sysctl -w kernel.threads-max=100000")
}

// connections are those that NAT keeps in mind: the network egress needs one for each.
func (h *Host) connections() sandbox.Check {
	return h.atLeast("connections by NAT", "/proc/sys/net/netfilter/nf_conntrack_max", 65536, "sysctl -w net.netfilter.nf_conntrack_max=262144: new connections of functions are dropped at this number")
}

func (h *Host) files() sandbox.Check {
	return h.atLeast("open files of the host", "/proc/sys/fs/file-max", 1_000_000, "sysctl -w fs.file-max=2000000")
}

func (h *Host) namespaces() sandbox.Check {
	const name = "namespaces"
	if h.text("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" {
		return advice(name, "AppArmor restricts user namespaces of others than root", "only for servers that do not run as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0")
	}
	return h.atLeast(name, "/proc/sys/user/max_net_namespaces", 4096, "sysctl -w user.max_net_namespaces=65536 user.max_user_namespaces=65536 user.max_mnt_namespaces=65536")
}

func (h *Host) mounts() sandbox.Check {
	return h.atLeast("mounts of a namespace", "/proc/sys/fs/mount-max", 100_000, "sysctl -w fs.mount-max=100000")
}

func (h *Host) backlog() sandbox.Check {
	return h.atLeast("connections that may wait", "/proc/sys/net/core/somaxconn", 4096, "sysctl -w net.core.somaxconn=4096: bursts of connections are refused")
}

// swap is where the memory of idle instances goes (reclaim-after).
func (h *Host) swap() sandbox.Check {
	const name = "swap"
	lines := strings.Split(h.text("/proc/swaps"), "\n")
	compressed := h.text("/sys/module/zswap/parameters/enabled") == "Y"
	switch {
	case len(lines) < 2:
		return advice(name, "none: the memory of idle instances cannot be pushed out", "add zram or a swap file if more instances should stay ready than memory holds")
	case compressed:
		return good(name, fmt.Sprintf("%d, before it zswap", len(lines)-1))
	}
	return good(name, fmt.Sprint(len(lines)-1))
}

// confinement: inside a container most of what isolation needs is refused.
func (h *Host) confinement() sandbox.Check {
	const name = "container"
	if !h.exists("/.dockerenv") && !h.exists("/run/.containerenv") && !strings.Contains(h.text("/proc/1/environ"), "container=") {
		return good(name, "none")
	}
	if strings.Contains(h.text("/proc/self/status"), "Seccomp:\t2") {
		return advice(name, "this is one, behind a system call filter", "run it with --privileged --cgroupns=host, or Lambent on the host: a container's filter refuses namespaces and mounts")
	}
	return good(name, "this is one, without a system call filter")
}

func (h *Host) exists(name string) bool {
	_, err := fs.Stat(h.Files, strings.TrimPrefix(name, "/"))
	return err == nil
}
