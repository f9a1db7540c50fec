// Package zygote is the conversation between the light driver and a zygote: a small
// interpreter that is initialised once and forks interpreters into boxes. It never runs
// a function's code; package runtimes has the programs.
//
// It runs over a Unix sequential-packet socket, which is the zygote's descriptor 3. Each
// packet is one JSON document, with descriptors beside it (SCM_RIGHTS) where the table
// says so. The zygote answers Setup with an empty object when it is ready; after that it
// tells of each fork once that it failed, or how the child ended.
//
//	driver              descriptors                          zygote
//	Setup ──────────────────────────────────────────────────▶ loads, then is ready
//	Fork ── init, output, stream, start, doors of groups ───▶ forks into the box of init
//	Signal ─────────────────────────────────────────────────▶ signals a child that lives
//	      ◀──────────────────────────────────────────── Ended  its exit, or why there is none
//
// init is a pidfd of the box's init, whose namespaces the child joins. The doors are
// files of control groups: who writes 0 to one enters its group. The child enters while the
// init may still be finishing the box; when that is done the driver writes Ready, one byte, to
// start. Then the child gives up its rights, which needs the finished box, and is a waiting
// interpreter as package sandbox describes it, with the rights of a function, which
// Setup names: it writes where Places says, makes the system calls that Filter and Final allow.
//
// The end of the socket means that the driver is gone, or wants no more: the zygote
// ends, and its children with it.
package zygote
