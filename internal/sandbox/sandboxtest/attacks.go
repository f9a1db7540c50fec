package sandboxtest

import (
	"slices"

	"golang.org/x/sys/unix"
)

// Names of protections, as driver light spells them.
const (
	userNamespace    = "user-namespace"
	pidNamespace     = "pid-namespace"
	networkNamespace = "network-namespace"
	ipcNamespace     = "ipc-namespace"
	utsNamespace     = "uts-namespace"
	privateRoot      = "private-root"
	readOnlyRoot     = "read-only-root"
	noSUID           = "nosuid"
	privateDevices   = "private-devices"
	privateProc      = "private-proc"
	maskedProc       = "masked-proc"
	noCapabilities   = "no-capabilities"
	noNewPrivileges  = "no-new-privileges"
	seccompFilter    = "seccomp"
	landlockRules    = "landlock"
	memoryBound      = "memory-limit"
	pidsBound        = "pids-limit"
	tmpBound         = "tmp-limit"
	closeDescriptors = "close-descriptors"
	guardedInit      = "guarded-init"
	hiddenCgroup     = "hidden-cgroup"
)

// Attacks is the table of all attacks.
func Attacks() []Attack {
	return slices.Concat(fileAttacks(), procAttacks(), processAttacks(), neighbourAttacks(), networkAttacks(),
		rightsAttacks(), kernelAttacks(), greedyAttacks())
}

func fileAttacks() []Attack {
	return []Attack{
		{
			Name: "ReadSecretOfTheHost", Success: "reads a file of the host that anybody on the host may read",
			Without: []string{privateRoot}, Plant: plantSecret, Won: gotSecret,
		},
		{
			Name: "FollowLinkInCode", Success: "reads that file through a symbolic link in its code",
			Without: []string{privateRoot}, Plant: plantLink, Won: gotSecret,
		},
		{
			Name: "OpenByHandle", Success: "reads that file by its handle, without a path",
			Without: []string{seccompFilter, noCapabilities, userNamespace}, Plant: plantHandle, Won: gotSecret,
		},
		{
			Name: "WriteUsr", Success: "writes a file into a folder below /usr that anybody on the host may write to",
			Without: []string{readOnlyRoot, landlockRules}, Plant: plantWritable, Won: fileAppeared,
		},
		{
			Name: "ReadFormerDescriptor", Success: "finds a file that the daemon has open",
			Without: []string{closeDescriptors}, Plant: plantDescriptor,
		},
		{
			Name: "OpenDevices", Success: "sees a device besides null, zero, full, random, urandom and tty",
			Without: []string{privateDevices}, Plant: with("devices"),
		},
		{
			Name: "SeeCgroups", Success: "sees a control group file system",
			Without: []string{hiddenCgroup}, Plant: with("cgroup"),
		},
		{
			Name: "SetID", Success: "gets another user's or group's rights from a set-id program in its code",
			Without: []string{noSUID, noNewPrivileges, userNamespace}, Plant: with("set-id", "/var/task/set-id"),
		},
		{
			Name: "MakeDevice", Success: "makes a device node in /tmp",
			Without: []string{noCapabilities, userNamespace}, Plant: with("mknod"),
		},
		{
			Name: "Mount", Success: "mounts a file system",
			Without: []string{noCapabilities, seccompFilter, landlockRules}, Plant: with("mount"),
		},
		{
			Name: "OpenFileSystem", Success: "makes a file system context for fsmount(2)",
			Without: []string{noCapabilities, seccompFilter}, Plant: with("fsopen"),
		},
		{
			Name: "RemountCode", Success: "makes its read-only code writable and changes it on the host",
			Without: []string{noCapabilities, seccompFilter, landlockRules}, Plant: plantRemount, Won: fileAppeared,
		},
		{
			Name: "UnshareMounts", Success: "gets a mount namespace of its own",
			Without: []string{noCapabilities, seccompFilter}, Plant: with("unshare-mounts"),
		},
		{
			Name: "Chroot", Success: "changes its root",
			Without: []string{noCapabilities, seccompFilter}, Plant: with("chroot"),
		},
	}
}

func procAttacks() []Attack {
	return []Attack{
		{
			Name: "ReadKernelSymbols", Success: "reads /proc/kallsyms",
			Without: []string{maskedProc}, Plant: with("read-file", "/proc/kallsyms"), Kernel: true,
		},
		{
			Name: "ReadKernelCommandLine", Success: "reads /proc/cmdline",
			Without: []string{maskedProc}, Plant: with("read-file", "/proc/cmdline"), Won: isHostFile("/proc/cmdline"), Kernel: true,
		},
		{
			Name: "ReadKernelMemory", Success: "reads /proc/kcore",
			Without: []string{maskedProc, noCapabilities, userNamespace}, Plant: with("read-file", "/proc/kcore"), Kernel: true,
		},
		{
			Name: "OpenSysRq", Success: "opens /proc/sysrq-trigger for writing, which can reboot the host",
			Without: []string{maskedProc, noCapabilities, userNamespace}, Plant: with("open-write", "/proc/sysrq-trigger"), Kernel: true,
		},
		{
			Name: "OpenCorePattern", Success: "opens /proc/sys/kernel/core_pattern for writing, which runs programs on the host",
			Without: []string{maskedProc, noCapabilities, userNamespace, landlockRules}, Plant: with("open-write", "/proc/sys/kernel/core_pattern"), Kernel: true,
		},
	}
}

func processAttacks() []Attack {
	return []Attack{
		{
			Name: "SeeHostProcess", Success: "finds a process of the host",
			Without: []string{privateProc}, Plant: plantProcess,
		},
		{
			Name: "SignalHostProcess", Success: "ends a process of the host that has the function's user id",
			Without: []string{pidNamespace}, Along: []string{privateProc}, Plant: plantTarget,
		},
		{
			Name: "SignalInit", Success: "sends a signal to the box's init",
			Without: []string{guardedInit}, Plant: with("kill", 1, int(unix.SIGWINCH)),
		},
		{
			Name: "TraceInit", Success: "attaches to the box's init as a debugger",
			Without: []string{noCapabilities, seccompFilter}, Plant: with("ptrace", 1),
		},
		{
			Name: "ReadInitEnviron", Success: "reads the environment of the box's init",
			Without: []string{noCapabilities}, Plant: with("read-file", "/proc/1/environ"),
		},
		{
			Name: "ListInitDescriptors", Success: "lists the descriptors of the box's init",
			Without: []string{noCapabilities}, Plant: with("list", "/proc/1/fd"),
		},
		{
			Name: "EnterInitRoot", Success: "goes through the root of the box's init",
			Without: []string{noCapabilities}, Plant: with("list", "/proc/1/root"),
		},
		{
			Name: "ReadHostSharedMemory", Success: "reads a System V shared memory segment of the host",
			Without: []string{ipcNamespace}, Plant: plantShm, Won: gotSecret,
		},
		{
			Name: "ReadHostname", Success: "learns the host's name",
			Without: []string{utsNamespace}, Plant: with("hostname"), Won: isHostname,
		},
		{
			Name: "SetHostname", Success: "sets the host's name",
			Without: []string{utsNamespace, noCapabilities, seccompFilter, userNamespace}, Plant: plantHostname, Won: hostnameChanged,
		},
	}
}

func neighbourAttacks() []Attack {
	return []Attack{
		{
			Name: "SeeNeighbour", Success: "finds a process of another box",
			Without: []string{privateProc}, Plant: plantNeighbour,
		},
		{
			Name: "ReadNeighbourEnviron", Success: "reads the environment, with its secrets, of another box's process",
			Without: []string{privateProc, userNamespace, landlockRules}, Plant: plantNeighbourSecret,
		},
		{
			Name: "ReadNeighbourTmp", Success: "reads another box's /tmp through /proc",
			Without: []string{privateProc, userNamespace, landlockRules}, Plant: plantNeighbourTmp, Won: gotSecret,
		},
	}
}

func networkAttacks() []Attack {
	return []Attack{
		{
			Name: "ConnectToHost", Success: "reads from a listener on the host's loopback",
			Without: []string{networkNamespace}, Plant: plantListener("tcp", "127.0.0.1:0"), Won: gotSecret,
		},
		{
			Name: "ConnectToHostV6", Success: "reads from a listener on the host's IPv6 loopback",
			Without: []string{networkNamespace}, Plant: plantListener("tcp", "[::1]:0"), Won: gotSecret,
		},
		{
			Name: "ConnectToAbstractSocket", Success: "reads from an abstract Unix socket of the host",
			Without: []string{networkNamespace}, Plant: plantAbstract, Won: gotSecret,
		},
		{
			Name: "RawSocket", Success: "makes a raw IP socket",
			Without: []string{noCapabilities, userNamespace}, Plant: with("socket", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP),
		},
		{
			Name: "PacketSocket", Success: "makes a packet socket",
			Without: []string{noCapabilities, seccompFilter, userNamespace}, Plant: with("socket", unix.AF_PACKET, unix.SOCK_RAW, 0),
		},
		{
			Name: "VsockSocket", Success: "makes a socket to the hypervisor",
			Without: []string{seccompFilter}, Plant: with("socket", unix.AF_VSOCK, unix.SOCK_STREAM, 0), Kernel: true,
		},
		{
			Name: "CryptoSocket", Success: "makes a socket of the kernel's crypto interface",
			Without: []string{seccompFilter}, Plant: with("socket", unix.AF_ALG, unix.SOCK_SEQPACKET, 0), Kernel: true,
		},
		{
			Name: "AuditSocket", Success: "makes a netlink socket other than that of routes",
			Without: []string{seccompFilter}, Plant: with("socket", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_KOBJECT_UEVENT), Kernel: true,
			Harmless: "the events are its own kernel's",
		},
		{
			Name: "ConfigureNetwork", Success: "changes a network interface over netlink",
			Without: []string{noCapabilities, userNamespace}, Plant: with("configure"), Kernel: true,
		},
	}
}

func rightsAttacks() []Attack {
	return []Attack{
		{
			Name: "BecomeRoot", Success: "gets user id 0",
			Without: []string{noCapabilities}, Plant: with("set-uid"),
		},
		{
			Name: "NewUserNamespace", Success: "gets all capabilities in a user namespace of its own",
			Without: []string{seccompFilter}, Plant: with("new-user"), Kernel: true,
			Harmless: "the capabilities are its own kernel's",
		},
		{
			Name: "RaisePriority", Success: "raises its priority over the host's",
			Without: []string{noCapabilities, userNamespace}, Plant: with("priority"),
			Harmless: "the host does not hear of it",
		},
	}
}

func kernelAttacks() []Attack {
	rights := []string{seccompFilter, noCapabilities, userNamespace}
	return []Attack{
		{Name: "AddKey", Success: "stores a key in the kernel", Without: []string{seccompFilter}, Plant: with("add-key"), Kernel: true},
		{Name: "BPF", Success: "makes a BPF map", Without: rights, Plant: with("bpf"), Kernel: true},
		{Name: "PerfEvents", Success: "opens a performance counter", Without: []string{seccompFilter}, Plant: with("perf"), Kernel: true},
		{Name: "IOUring", Success: "makes an io_uring", Without: []string{seccompFilter}, Plant: with("io-uring"), Kernel: true},
		{Name: "UserFaultFD", Success: "handles page faults in user space", Without: []string{seccompFilter}, Plant: with("userfaultfd"), Kernel: true},
		{Name: "Reboot", Success: "is allowed to reboot", Without: []string{seccompFilter, noCapabilities}, Plant: with("reboot"), Kernel: true},
		{Name: "SwapOn", Success: "is allowed to add swap", Without: rights, Plant: with("swapon"), Kernel: true},
		{Name: "SetClock", Success: "sets the host's clock", Without: rights, Plant: with("set-time"), Kernel: true},
		{Name: "ReadKernelLog", Success: "reads the kernel's messages", Without: rights, Plant: with("syslog"), Kernel: true, Harmless: "the messages are its own kernel's"},
		{Name: "Personality", Success: "makes its data executable", Without: []string{seccompFilter}, Plant: with("personality"), Kernel: true},
		{Name: "CompatSystemCall", Success: "makes a 32-bit system call past the filter", Without: []string{seccompFilter}, Plant: with("compat"), Kernel: true},
	}
}

func greedyAttacks() []Attack {
	return []Attack{
		{
			Name: "ForkBomb", Success: "has 100 processes at once where 64 are allowed",
			Without: []string{pidsBound}, Plant: plantForkBomb,
		},
		{
			Name: "MemoryBomb", Success: "uses 200 MiB where 128 are allowed",
			Without: []string{memoryBound}, Plant: with("memory-bomb", 200),
		},
		{
			Name: "MemoryCrowd", Success: "uses 200 MiB in many small processes where 128 are allowed",
			Without: []string{memoryBound}, Plant: with("memory-crowd", 8, 25),
		},
		{
			Name: "FillTmp", Success: "writes 96 MiB to /tmp where 64 are allowed",
			Without: []string{tmpBound}, Plant: with("fill-tmp", 96),
		},
	}
}
