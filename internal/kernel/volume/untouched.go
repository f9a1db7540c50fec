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
	disk              int64  // of the host, in units of ownDisk: a file without a name leaves it
}

// ownDisk is how much disk the file system takes by itself, in bytes, at most.
const ownDisk = 4 << 20

func (v *Volume) state() (s state, err error) {
	disk, err := v.disk()
	if err != nil {
		return state{}, err
	}
	dir, err := v.root.Open(".")
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
	return state{info.Ctim, info.Mtim, free.Bfree, free.Ffree, disk / ownDisk}, nil
}

// disk is how much of the host's disk the image takes, in bytes.
func (v *Volume) disk() (int64, error) {
	if v.image == nil {
		return 0, nil
	}
	var image unix.Stat_t
	err := unix.Fstat(int(v.image.Fd()), &image)
	return image.Blocks * 512, os.NewSyscallError("fstat", err)
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
	now, err := v.state()
	return err == nil && now == v.fresh
}
