package volume

import (
	"os"

	"golang.org/x/sys/unix"
)

// state is what changes with anything that is written to a file system: a name in its
// root folder changes that folder's times, and whatever has no name takes an inode.
type state struct {
	changed, modified unix.Timespec
	blocks, inodes    uint64 // free
}

func stateOf(root *os.Root) (s state, err error) {
	dir, err := root.Open(".")
	if err != nil {
		return state{}, err
	}
	defer func() { _ = dir.Close() }()
	var info unix.Stat_t
	if err := unix.Fstat(int(dir.Fd()), &info); err != nil {
		return state{}, os.NewSyscallError("fstat", err)
	}
	var free unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &free); err != nil {
		return state{}, os.NewSyscallError("fstatfs", err)
	}
	return state{info.Ctim, info.Mtim, free.Bfree, free.Ffree}, nil
}

// Untouched says whether nothing was ever written to the volume, so that it is as good as
// a new one. Who had it must have ended. The root folder belongs to root: nobody else can
// set its times back, and nothing has a name that is not below it.
func (v *Volume) Untouched() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.root == nil {
		return false
	}
	now, err := stateOf(v.root)
	return err == nil && now == v.fresh
}
