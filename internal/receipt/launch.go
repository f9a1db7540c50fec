package receipt

import "time"

// Launch is the timeline of starting one instance.
type Launch struct {
	Kind    StartKind
	Note    string // what kept the start from being faster; "" = nothing that is known
	Began   time.Time
	Sandbox time.Duration // Create and Bind
	Runtime time.Duration // process start until it reports for the first time
	Init    time.Duration // the function's initialisation, as the runtime bounds it
}

// Ended is when the instance could take its first invocation.
func (l Launch) Ended() time.Time { return l.Began.Add(l.Sandbox + l.Runtime + l.Init) }

// part is one phase of a launch.
type part struct {
	phase Phase
	took  time.Duration
}

func (l Launch) parts() [3]part {
	return [3]part{{Sandbox, l.Sandbox}, {Runtime, l.Runtime}, {Init, l.Init}}
}
