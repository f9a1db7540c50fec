package usage

import (
	"time"

	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/sandbox"
)

// Of returns what a box used whose processes are all in one group.
func Of(u cgroup.Usage) sandbox.Usage {
	return sandbox.Usage{
		Memory: u.Memory, MemoryPeak: u.MemoryPeak, CPU: u.CPU, OOMKills: u.OOMKills,
		Throttled: sandbox.Counter[time.Duration](u.Throttled), Waiting: sandbox.Counter[time.Duration](u.Waiting),
		HostWaiting: sandbox.Counter[time.Duration](u.HostWaiting),
		MemoryStall: sandbox.Counter[time.Duration](u.MemoryStall), IOStall: sandbox.Counter[time.Duration](u.IOStall),
		Faults: sandbox.Counter[int64](u.Faults), MajorFaults: sandbox.Counter[int64](u.MajorFaults),
		ReadBytes: sandbox.Counter[int64](u.ReadBytes), WrittenBytes: sandbox.Counter[int64](u.WrittenBytes),
	}
}
