// Package light is the driver of the tier light: namespaces, a cgroup, seccomp and
// a read-only root made of the host's own programs.
//
// Its floor, below which it is unavailable rather than weaker, is the list of
// protections in this package. The half that runs inside the box is the program
// lambent-init; package initproto is what the two say to each other.
//
// # How a box comes to be
//
// Prepare makes a mount namespace in which the root is finished (namespace, root), a
// zygote where the base's interpreter has one (forkers), and pools of what is slow to
// make now and then: network namespaces, /tmp volumes (pool). Create has the spawner, a
// small process, clone an init there, born in its cgroup and network, with an id range of
// its own; the init covers what is left of the host in /proc and waits. Beside it waits
// the base's interpreter (preload). Bind hands the init the function's mounts as
// descriptors, after which it drops its rights; Run gives the waiting interpreter its
// workload, or has the init fork and execute.
//
// # How it ends
//
// A box lives as long as its init. However that dies, the kernel kills what is in
// the pid namespace, and one goroutine (box.watch) frees the rest. A daemon that is
// killed takes its boxes along: their parent thread and their sockets are gone.
// Only empty cgroup folders stay; Reap removes them.
package light
