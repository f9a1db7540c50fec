package sandboxtest

// Family groups attacks by the published escapes that they follow.
type Family string

// The families. Each has an attack at least, see TestEveryFamilyIsTried.
const (
	hostFiles     Family = "files of the host"
	programs      Family = "overwriting a program that the host runs"
	descriptorsOf Family = "descriptors left open"
	helpers       Family = "programs that the kernel starts: core_pattern, modprobe"
	cgroupFamily  Family = "control groups, release_agent"
	mountsAndLink Family = "symbolic links and mounts"
	overlays      Family = "overlay and idmapped mounts"
	devicesFamily Family = "device nodes"
	setID         Family = "set-id programs"
	procFiles     Family = "files of /proc that tell of the host"
	procRoots     Family = "/proc/*/root and its like"
	otherProcess  Family = "other processes: signals, memory"
	tracing       Family = "ptrace"
	joining       Family = "setns and new namespaces"
	ipc           Family = "System V and POSIX IPC"
	abstract      Family = "abstract sockets"
	hostNetwork   Family = "the host's and neighbours' network"
	netlink       Family = "netlink"
	vsock         Family = "vsock"
	rawPackets    Family = "raw packets"
	rareSockets   Family = "rare socket families"
	rights        Family = "rights and limits"
	bpfFamily     Family = "bpf and perf"
	ioUringFamily Family = "io_uring"
	faults        Family = "userfaultfd"
	keys          Family = "keyctl"
	hostControl   Family = "controlling the host"
	compatibility Family = "system calls past the filter"
	pageCache     Family = "writing to what can only be read"
	forkBombs     Family = "bombs of processes"
	memoryBombs   Family = "bombs of memory"
	fileBombs     Family = "bombs of files, inodes and descriptors"
	timersSignals Family = "timers and signals"
	channel       Family = "the stream channel"
	leftovers     Family = "what a former box left"
)

// Families lists all.
func Families() []Family {
	return []Family{
		hostFiles, programs, descriptorsOf, helpers, cgroupFamily, mountsAndLink, overlays, devicesFamily, setID, procFiles,
		procRoots, otherProcess, tracing, joining, ipc, abstract, hostNetwork, netlink, vsock, rawPackets, rareSockets, rights,
		bpfFamily, ioUringFamily, faults, keys, hostControl, compatibility, pageCache, forkBombs, memoryBombs, fileBombs,
		timersSignals, channel, leftovers,
	}
}
