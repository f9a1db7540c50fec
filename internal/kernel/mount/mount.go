package mount

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Attributes of a mount, see mount_setattr(2).
const (
	ReadOnly = unix.MOUNT_ATTR_RDONLY
	NoSUID   = unix.MOUNT_ATTR_NOSUID
	NoDev    = unix.MOUNT_ATTR_NODEV
	NoExec   = unix.MOUNT_ATTR_NOEXEC
)

// Clone returns a descriptor of a detached, private copy of the mount at path with
// attr set. With tree the mounts below it are copied too. The copy lives until its
// descriptor is closed or it is attached.
func Clone(path string, attr uint64, tree bool) (int, error) {
	recursive := uint(0)
	if tree {
		recursive = unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|recursive)
	if err != nil {
		return -1, &os.PathError{Op: "open_tree", Path: path, Err: err}
	}
	set := unix.MountAttr{Attr_set: attr, Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|recursive, &set); err != nil {
		_ = unix.Close(fd)
		return -1, &os.PathError{Op: "mount_setattr", Path: path, Err: err}
	}
	return fd, nil
}

// Attach puts a detached mount at target in the caller's mount namespace. The
// descriptor stays open.
func Attach(fd int, target string) error {
	err := unix.MoveMount(fd, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH)
	if err != nil {
		return &os.PathError{Op: "move_mount", Path: target, Err: err}
	}
	return nil
}

// Bind shows source at target with attr.
func Bind(source, target string, attr uint64, tree bool) error {
	fd, err := Clone(source, attr, tree)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return Attach(fd, target)
}

// busyLimit bounds how long Set waits for writers that are about to go.
const busyLimit = 2 * time.Second

// Set adds attr to the mount at target, not to those below it. A file that was written
// and closed may still be open for a moment: a process that is forked elsewhere in this
// program has it until it executes its own.
func Set(target string, attr uint64) error {
	for end := time.Now().Add(busyLimit); ; time.Sleep(time.Millisecond) {
		err := unix.MountSetattr(unix.AT_FDCWD, target, 0, &unix.MountAttr{Attr_set: attr})
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(end) {
			return &os.PathError{Op: "mount_setattr", Path: target, Err: err}
		}
	}
}

// Tmpfs mounts a memory file system at target; options as in tmpfs(5).
func Tmpfs(target string, flags uintptr, options string) error {
	if err := unix.Mount("tmpfs", target, "tmpfs", flags, options); err != nil {
		return &os.PathError{Op: "mount tmpfs", Path: target, Err: err}
	}
	return nil
}

// Pivot makes the mount at root the calling thread's root and drops the old one.
// The thread needs a mount namespace and file system attributes of its own
// (unshare CLONE_NEWNS and CLONE_FS).
func Pivot(root string) error {
	if err := unix.Chdir(root); err != nil {
		return &os.PathError{Op: "chdir", Path: root, Err: err}
	}
	// pivot_root(2), "pivot_root(".", ".")": the old root lands on top of the new.
	if err := unix.PivotRoot(".", "."); err != nil {
		return &os.PathError{Op: "pivot_root", Path: root, Err: err}
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("detaching the old root: %w", err)
	}
	return unix.Chdir("/")
}

// Unshare gives the calling thread, which must be locked, a private mount namespace
// whose mounts do not propagate to the host.
func Unshare() error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	return nil
}
