package sandbox

import "time"

// Machine is a box with a kernel of its own, which says how it came to be. Optional, known to
// package instance only.
type Machine interface {
	// Made is complete once the box is bound.
	Made() Made
}

// Made says how a machine came to be. What took no time has no span; what was done ahead has
// one that lies before the request.
type Made struct {
	Emulated bool // software stands in for the processor: its times say nothing of a real machine's
	Boot     Span // of the guest whose snapshot the machine goes on from, where this process booted it
	Restore  Span // from the start of the monitor until the guest answers
	Attach   Span // the function's folders are shown in the guest
}

// Emulator is a Driver that may run its boxes on a processor for which software stands in. Optional,
// known to package drivers only.
type Emulator interface {
	// Emulates is cheap, and says the same for as long as the driver lives.
	Emulates() bool
}

// Span is a piece of time.
type Span struct{ From, To time.Time }
