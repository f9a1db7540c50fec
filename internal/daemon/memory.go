package daemon

// memoryBudget returns what all instances together may be given, in MiB: what the owner
// set, or three quarters of the host's memory, so that the rest of the host can live. 0 is
// no limit: nothing is known of the host.
func memoryBudget(set int) int {
	if set > 0 {
		return set
	}
	return int(hostMemory() >> 20 * 3 / 4)
}
