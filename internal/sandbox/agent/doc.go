// Package agent is the host's half of a box in which lambent-agent is PID 1: its commands, its
// streams, what is listened on and dialed inside. Drivers whose boxes have a kernel of their
// own (gvisor, microvm) build on it; how such a box is made, bound, measured and ended is theirs.
//
// A Box asks the agent over a Control. What the agent needs of the host in turn, a stream
// or the connection of a listener, it asks for by a ticket: see Tickets. Where a command writes
// is the driver's (Pipes), since a descriptor cannot be sent inside.
//
// Package agentproto is what the two say to each other, package wire how they do it where all
// that joins them is one stream of bytes.
package agent
