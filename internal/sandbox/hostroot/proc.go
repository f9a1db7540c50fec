package hostroot

// MaskedFolders and MaskedFiles of /proc tell of the host or steer it. The lists are the
// OCI runtimes' custom, widened by what a function never needs.
func MaskedFolders() []string {
	return []string{"/proc/acpi", "/proc/asound", "/proc/bus", "/proc/driver", "/proc/fs", "/proc/irq", "/proc/scsi", "/proc/pressure"}
}

// MaskedFiles see MaskedFolders.
func MaskedFiles() []string {
	return []string{
		"/proc/buddyinfo", "/proc/cmdline", "/proc/config.gz", "/proc/consoles", "/proc/crypto", "/proc/diskstats",
		"/proc/interrupts", "/proc/iomem", "/proc/ioports", "/proc/kallsyms", "/proc/kcore", "/proc/key-users", "/proc/keys",
		"/proc/kmsg", "/proc/kpagecgroup", "/proc/kpagecount", "/proc/kpageflags", "/proc/latency_stats", "/proc/locks",
		"/proc/mdstat", "/proc/modules", "/proc/mtrr", "/proc/pagetypeinfo", "/proc/partitions", "/proc/sched_debug",
		"/proc/schedstat", "/proc/slabinfo", "/proc/softirqs", "/proc/swaps", "/proc/sysrq-trigger", "/proc/timer_list",
		"/proc/timer_stats", "/proc/vmallocinfo", "/proc/zoneinfo",
	}
}

// ReadOnlyProc can be read but not written, whoever the file's owner is.
func ReadOnlyProc() []string { return []string{"/proc/sys"} }
