package sandboxtest

func greedyAttacks() []Attack {
	return []Attack{
		{
			Name: "ForkBomb", Family: forkBombs, Success: "has 100 processes at once where 64 are allowed",
			Without: []string{pidsBound}, Plant: plantBomb("fork-bomb", 100),
		},
		{
			Name: "ThreadBomb", Family: forkBombs, Success: "has 200 threads at once where 64 are allowed",
			Without: []string{pidsBound}, Plant: plantBomb("thread-bomb", 200),
		},
		{
			Name: "ZombieBomb", Family: forkBombs, Success: "has 100 ended children at once that it does not wait for where 64 are allowed",
			Without: []string{pidsBound}, Plant: plantBomb("zombie-bomb", 100),
		},
		{
			Name: "MemoryBomb", Family: memoryBombs, Success: "uses 600 MiB where 128 are allowed",
			Without: []string{memoryBound}, Plant: with("memory-bomb", 600),
		},
		{
			Name: "MemoryCrowd", Family: memoryBombs, Success: "uses 600 MiB in many small processes where 128 are allowed",
			Without: []string{memoryBound}, Plant: with("memory-crowd", 8, 75),
		},
		{
			Name: "FillSharedMemory", Family: memoryBombs, Success: "keeps 600 MiB in /dev/shm where 128 of memory are allowed",
			Without: []string{memoryBound}, Plant: with("fill", "/dev/shm/fill", 600),
		},
		{
			Name: "AnonymousFile", Family: memoryBombs, Success: "keeps 600 MiB in a file without a name where 128 of memory are allowed",
			Without: []string{memoryBound}, Plant: with("memfd", 600),
		},
		{
			Name: "FillTmp", Family: fileBombs, Success: "writes 96 MiB to /tmp where 64 are allowed",
			Without: []string{tmpBound}, Plant: with("fill", "/tmp/fill", 96),
		},
		{
			Name: "InodeBomb", Family: fileBombs, Success: "makes 20,000 empty files in /tmp, which is made for fewer",
			Without: []string{tmpBound}, Plant: with("inode-bomb", 20000),
		},
		{
			Name: "DescriptorBomb", Family: fileBombs, Success: "has 2,000 descriptors open where 1,024 are allowed",
			Unshown: "the limit is set for every command; RaiseLimit shows that it can be raised by none", Plant: with("descriptor-bomb", 2000),
		},
	}
}

// countingAttacks use up what the kernel counts for each user: the user that the box is made
// by pays, unless it is one of the box's own.
func countingAttacks() []Attack {
	return []Attack{
		{
			Name: "ChargeSignals", Family: timersSignals, Success: "has 1,000 signals that nobody takes counted as the host's root's",
			Without: []string{ownCounts}, Plant: plantCharge("signals"), Won: hostWasCharged,
		},
		{
			Name: "ChargeTimers", Family: timersSignals, Success: "has 1,000 timers counted as the host's root's",
			Without: []string{ownCounts}, Plant: plantCharge("timers"), Won: hostWasCharged,
		},
	}
}

func channelAttacks() []Attack {
	return []Attack{
		{
			Name: "FloodStreamChannel", Family: channel, Success: "keeps the host from opening a stream by messages that nobody asked for",
			Unshown: "the host never reads there, which is no switch", Plant: plantFlood, Won: answerIs("harmed"),
		},
		{
			Name: "SendDescriptors", Family: channel, Success: "has the daemon hold descriptors that it was sent over a stream",
			Unshown: "the host takes none, which is no switch", Plant: plantSender, Won: answerIs("harmed"),
		},
	}
}
