package daemon

import "golang.org/x/sys/unix"

// memoryBudget returns what all instances together may be given, in MiB: what the owner
// set, or three quarters of the host's memory, so that the rest of the host can live.
func memoryBudget(set int) int {
	if set > 0 {
		return set
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0 // no limit: nothing is known of the host
	}
	total := uint64(info.Totalram) * uint64(info.Unit)
	return int(total >> 20 * 3 / 4)
}
