package light

// Protection names one thing that stands between a function and the host. The
// attack suite takes each away in turn to see that its attacks would succeed
// without it; nothing else may.
type Protection string

// The protections of a light sandbox.
const (
	UserNamespace    Protection = "user-namespace"    // an id range of its own: root inside is nobody outside
	OwnCounts        Protection = "own-counts"        // what the kernel counts by user is counted for the box, not for root
	PIDNamespace     Protection = "pid-namespace"     // sees and signals only itself
	NetworkNamespace Protection = "network-namespace" // loopback of its own
	IPCNamespace     Protection = "ipc-namespace"     // SysV and POSIX IPC of its own
	UTSNamespace     Protection = "uts-namespace"     // does not learn or set the host's name
	PrivateRoot      Protection = "private-root"      // only the chosen folders of the host are there
	ReadOnlyRoot     Protection = "read-only-root"    // and cannot be written
	NoSUID           Protection = "nosuid"            // set-id bits have no effect on any mount
	PrivateDevices   Protection = "private-devices"   // null, zero, full, random, urandom, tty-less
	PrivateProc      Protection = "private-proc"      // /proc of its own pid namespace
	MaskedProc       Protection = "masked-proc"       // files of /proc that tell of the host are covered
	NoCapabilities   Protection = "no-capabilities"   // functions hold none
	NoNewPrivileges  Protection = "no-new-privileges" // and exec gives none
	Seccomp          Protection = "seccomp"           // allow-list of system calls
	Landlock         Protection = "landlock"          // where the kernel has it: writes below /tmp and /dev/shm only
	MemoryLimit      Protection = "memory-limit"
	PidsLimit        Protection = "pids-limit"
	TmpLimit         Protection = "tmp-limit"
	CloseDescriptors Protection = "close-descriptors" // nothing of the daemon is inherited
	GuardedInit      Protection = "guarded-init"      // PID 1 has another uid and is not dumpable
	Cgroup           Protection = "hidden-cgroup"     // no cgroup file system inside
)
