// Package agentproto is the conversation between a driver and lambent-agent, which is PID 1
// inside gVisor or a guest of the tier microvm.
//
// It is initproto's with other requests: packets of JSON over a Unix sequential-packet socket,
// which is the agent's descriptor 3; the driver asks, the agent answers each request once; it
// sends Exit by itself.
//
//	driver                                agent
//	Setup ──────────────────────────────▶ finishes the box
//	Bind ───────────────────────────────▶ shows the function's folders, drops its rights
//	Run ────────────────────────────────▶ starts a command
//	Signal, Reset ──────────────────────▶ as in initproto
//	Freeze ─────────────────────────────▶ stops what commands do, or lets it go on
//	Open ───────────────────────────────▶ gives a command one more stream
//	Listen, Unlisten ───────────────────▶ on an address inside
//	Dial ───────────────────────────────▶ connects to an address inside
//	      ◀─────────────────────── Reply   to the request with the same Seq
//	      ◀──────────────────────── Exit   a command ended
//
// A guest's agent is also asked for these, over package wire:
//
//	Sync, Usage, Clock ─────────────────▶ output that was written; memory; the time
//	Preload, Adopt ─────────────────────▶ starts an interpreter ahead; gives it its workload
//	Wake ───────────────────────────────▶ makes a restored guest another than its siblings
//
// # The door
//
// No descriptor of the host can be sent into gVisor. What the agent needs of the host it
// fetches in a folder of the host, the door, that only it can enter: pipes (FIFOs) for the
// output of commands, and a listening socket to which it connects for every stream. The first
// eight bytes of such a connection are the ticket, by which the driver knows what it is for.
//
// It uses the standard library and x/sys only: lambent-agent is built on it.
package agentproto
