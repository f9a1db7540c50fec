// Package volume makes small file systems with a size of their own, for the /tmp of
// a sandbox: what is written there is on disk and not charged to the sandbox's
// memory for good, as it would be in a tmpfs.
//
// A volume is an ext4 file system without a journal in a sparse file, behind a loop
// device with direct I/O: pages are cached once, in the volume, where the writer's
// memory limit can drop them after they were written.
//
// Nothing of a volume outlives its users, also after kill -9: the file has no name
// from the beginning, and the loop device frees itself (LO_FLAGS_AUTOCLEAR) when the
// last descriptor and the last mount are gone. Only templates, one file for each
// size, stay in the folder for the next run.
//
// # What it is not
//
// It is no storage: a crash of the host loses or damages a volume, and write
// barriers are off on purpose. It attaches nothing to a path: who gets the mount's
// descriptor decides where it appears (move_mount(2)).
//
// Facts are from loop(4), fsopen(2), mke2fs(8) and the kernel's
// Documentation/filesystems/ext4/.
package volume
