// Package microvm is the driver of the tier microvm: a box is a virtual machine with a kernel of
// its own. What isolates it is the processor, or, where there is no usable KVM, QEMU's emulation
// of one, which is slow and said so.
//
// Inside, the kernel starts lambent-agent; package agentproto is what the two halves say to each
// other, over package wire on a serial port. Package image makes what a guest boots from.
//
// # How a box comes to be
//
// Prepare boots one guest of the base, has it start the base's interpreter, and takes a snapshot:
// the guest's memory, in a file that nobody can write any more, and the state of its devices.
// Create starts a monitor that maps this memory privately, so that guests share what they do not
// change, and lets it go on; then the guest is told the time, a seed of its own and what it is
// confined to. Bind puts images of the function's folders behind drives that were empty, and the
// guest mounts them. A folder is copied into its image: what changes in it later is not seen.
//
// # The monitor
//
// One small interface (vmm) stands between the driver and the program that runs a guest. It runs
// as a user of its own, without rights, in a root that shows the host's /usr and nothing else,
// in empty network and process namespaces, under its own seccomp filter, in a control group of
// the box. All files that it uses are handed to it.
//
// # Limits
//
// A guest's memory is the base's class and what its kernel needs. Commands have a control group
// inside, whose limit is the workload's: its killer is the guest's kernel, and the box lives on.
// CPU is limited outside, on the monitor. /tmp is a drive.
//
// # Network
//
// The agent forwards what the host listens on or dials inside. With the profile egress a guest has
// a network device besides, whose other end is a tap of package egress; it gets its address when it
// goes on from the snapshot. Without, it has a loopback interface only, and no driver for more.
//
// # Stems
//
// A guest that nobody waits for rehearses (rehearse.go): QEMU translates what a start needs. Then it
// rests, its processors paused, until Bind (rest.go).
//
// # What is kept
//
// Snapshots and images of folders are made again when they are needed, so those that were not
// used for long are removed (collect.go), never one that anybody holds.
//
// # How it ends
//
// A box lives as long as its monitor; one goroutine (box.watch) frees everything after it. A
// daemon that is killed takes its monitors along: their parent thread is gone. Folders and empty
// control groups stay; Reap removes them.
package microvm
