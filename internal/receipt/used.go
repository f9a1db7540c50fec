package receipt

import "time"

// Used is what went on in an instance's sandbox during one invocation, from before the
// event was handed over until what the function printed had arrived. Its parts divide no
// time: threads run and wait at once.
type Used struct {
	// Shared says that the instance ran other invocations at the same time: nothing can be
	// told apart, and nothing below is known.
	Shared bool

	// CPUs is how many the host has: Waiting, a mean over them, may be as many times too small.
	CPUs int

	CPU         Amount[time.Duration] // of all its processes together
	Throttled   Amount[time.Duration] // held back by a CPU quota, summed over CPUs
	Waiting     Amount[time.Duration] // wall time in which something could run, was not throttled, and had no CPU: at least so much
	HostWaiting Amount[time.Duration] // the same of anything on the host, Lambent among it
	MemoryStall Amount[time.Duration] // wall time in which something waited for memory: reclaim, refaults, swap
	IOStall     Amount[time.Duration] // wall time in which something waited for a block device

	Faults       Amount[int64] // page faults, major ones included
	MajorFaults  Amount[int64] // those that had to read from a device
	ReadBytes    Amount[int64] // from block devices
	WrittenBytes Amount[int64] // to block devices
}

// Amount is a figure that not every host can give. Not known is not zero.
type Amount[T ~int64] struct {
	Value T
	Known bool
}

// Of is an amount that is known.
func Of[T ~int64](v T) Amount[T] { return Amount[T]{v, true} }

// times lists the parts that are times, under the names that headers and metrics use.
func (u *Used) times() []named[time.Duration] {
	return []named[time.Duration]{
		{"cpu", &u.CPU},
		{"throttled", &u.Throttled},
		{"waiting", &u.Waiting},
		{hostWaiting, &u.HostWaiting},
		{"memory-stall", &u.MemoryStall},
		{"io-stall", &u.IOStall},
	}
}

// counts lists the others.
func (u *Used) counts() []named[int64] {
	return []named[int64]{
		{"faults", &u.Faults}, {"major-faults", &u.MajorFaults}, {"read", &u.ReadBytes}, {"written", &u.WrittenBytes},
	}
}

// named is a part of Used with its name.
type named[T ~int64] struct {
	name   string
	amount *Amount[T]
}

// hostWaiting names what is the host's and not the invocation's.
const hostWaiting = "host-waiting"

// Times yields the times of the invocation that are known, by name.
func (u *Used) Times(yield func(name string, d time.Duration) bool) {
	for _, t := range u.times() {
		if t.amount.Known && t.name != hostWaiting && !yield(t.name, t.amount.Value) {
			return
		}
	}
}
