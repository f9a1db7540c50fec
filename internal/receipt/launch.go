package receipt

import "time"

// Launch is the timeline of starting one instance.
type Launch struct {
	Kind    StartKind
	Note    string // what kept the start from being faster; "" = nothing that is known
	Began   time.Time
	Sandbox time.Duration // Create and Bind
	Machine Machine       // what of that a machine took
	Runtime time.Duration // process start until it reports for the first time
	Init    time.Duration // the function's initialisation, as the runtime bounds it
}

// Ended is when the instance could take its first invocation.
func (l Launch) Ended() time.Time { return l.Began.Add(l.Sandbox + l.Runtime + l.Init) }

// Machine says when a sandbox with a kernel of its own came to be; the zero value is none. What
// was done ahead of the launch lies before it.
type Machine struct{ Boot, Resume, Attach Span }

// Span is a piece of time.
type Span struct{ From, To time.Time }

// within cuts a span to another.
func (s Span) within(o Span) Span {
	if s.From.Before(o.From) {
		s.From = o.From
	}
	if s.To.After(o.To) {
		s.To = o.To
	}
	return s
}

// part is one phase of a launch. What it covers is not the phase's that it is part of.
type part struct {
	phase, of Phase
	Span
}

func (l Launch) parts() [6]part {
	made := l.Began.Add(l.Sandbox)
	began := made.Add(l.Runtime)
	sandbox := Span{l.Began, made}
	return [6]part{
		{Sandbox, Queue, sandbox},
		{Boot, Sandbox, l.Machine.Boot.within(sandbox)},
		{Resume, Sandbox, l.Machine.Resume.within(sandbox)},
		{Attach, Sandbox, l.Machine.Attach.within(sandbox)},
		{Runtime, Queue, Span{made, began}},
		{Init, Queue, Span{began, began.Add(l.Init)}},
	}
}
