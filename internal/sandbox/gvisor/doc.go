// Package gvisor is the driver of the tier gvisor: a kernel in user space (runsc's sentry)
// between a function and the host. A function's system calls are answered by that kernel, which
// itself uses few of the host's.
//
// The half that runs inside is the program lambent-agent, PID 1 of the box; package agentproto
// is what the two say to each other. Package runsc says which runsc it is.
//
// # How a box comes to be
//
// The stage is a thread with a mount namespace and an empty network of its own. Everything is
// mounted there and every runsc starts there, so that the host sees no mount of ours, and
// nothing is left mounted when the daemon is killed.
//
// Prepare builds the root there, from the host's own programs. Create makes the box's folder
// and its /tmp, a volume, starts `runsc run` as a child in a control group of the box, and
// waits until the agent answers over the socket that it inherited. Bind mounts the function's
// folders below the box's folder, which is shared into gVisor; the agent shows them where they
// belong. Run has the agent fetch pipes and streams in the box's folder, and start the command.
//
// # Network
//
// A box has gVisor's own network stack with a loopback interface, nothing else. The agent
// forwards what the host listens on or dials inside.
//
// # What differs from light
//
// The memory limit counts what gVisor itself needs, so the workload's is raised by that
// (overhead). At the limit all commands are killed where the host has cgroup v1 (memory.go); on
// v2 the host's kernel ends gVisor, and so the whole box: /tmp is lost with it.
//
// What a base preloads is never forked: each box starts its own interpreter, which waits.
//
// # How it ends
//
// A box lives as long as its runsc. Whoever ends that, one goroutine (box.watch) kills what is
// left in the control group and frees the rest. A daemon that is killed takes its boxes along:
// runsc's parent thread and the agent's socket are gone. Folders and empty control groups stay;
// Reap removes them.
package gvisor
