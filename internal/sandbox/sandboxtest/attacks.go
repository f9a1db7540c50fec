package sandboxtest

import "slices"

// Names of protections, as driver light spells them.
const (
	userNamespace    = "user-namespace"
	ownCounts        = "own-counts"
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

// Attacks is the table of all attacks. What speaks the runtime's protocols is attacked in
// package instance, which has them.
func Attacks() []Attack {
	return slices.Concat(fileAttacks(), mountAttacks(), procAttacks(), processAttacks(), joiningAttacks(), neighbourAttacks(),
		networkAttacks(), socketAttacks(), rightsAttacks(), kernelAttacks(), greedyAttacks(), countingAttacks(), channelAttacks())
}
