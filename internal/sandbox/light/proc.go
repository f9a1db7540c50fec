package light

// maskedFolders and maskedFiles of /proc tell of the host or steer it. The lists are the
// OCI runtimes' custom, widened by what a function never needs.
var maskedFolders = []string{
	"/proc/acpi", "/proc/asound", "/proc/bus", "/proc/driver", "/proc/fs", "/proc/irq", "/proc/scsi", "/proc/pressure",
}

var maskedFiles = []string{
	"/proc/buddyinfo", "/proc/cmdline", "/proc/config.gz", "/proc/consoles", "/proc/crypto", "/proc/diskstats",
	"/proc/interrupts", "/proc/iomem", "/proc/ioports", "/proc/kallsyms", "/proc/kcore", "/proc/key-users", "/proc/keys",
	"/proc/kmsg", "/proc/kpagecgroup", "/proc/kpagecount", "/proc/kpageflags", "/proc/latency_stats", "/proc/locks",
	"/proc/mdstat", "/proc/modules", "/proc/mtrr", "/proc/pagetypeinfo", "/proc/partitions", "/proc/sched_debug",
	"/proc/schedstat", "/proc/slabinfo", "/proc/softirqs", "/proc/swaps", "/proc/sysrq-trigger", "/proc/timer_list",
	"/proc/timer_stats", "/proc/vmallocinfo", "/proc/zoneinfo",
}

// readOnlyProc can be read but not written, whoever the file's owner is.
var readOnlyProc = []string{"/proc/sys"}

// writablePlaces are all that Landlock lets a function write to. Pipes, sockets and
// what it holds open already are not its concern.
var writablePlaces = []string{"/tmp", "/dev/shm", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
