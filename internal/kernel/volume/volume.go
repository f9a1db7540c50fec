package volume

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrClosed is the answer to Mount after Close.
var ErrClosed = errors.New("volume is closed")

// Volume is one file system on a loop device of its own.
type Volume struct {
	mu     sync.Mutex // protects the fields below
	device *os.File   // nil after Close
	image  *os.File   // behind device; nil while a template is made
	root   *os.Root   // of the file system, from the first Mount to Close
	fresh  state      // of the file system at the first Mount
}

// Mount mounts the volume nosuid, nodev and noatime, and returns the descriptor of
// the mount, which is attached nowhere yet: give it to move_mount(2) and close it.
// The root folder belongs to root, has mode 1777 and is empty at first. The caller
// owns the descriptor; the mount outlives Close.
func (v *Volume) Mount() (fd int, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.device == nil {
		return -1, fmt.Errorf("mounting: %w", ErrClosed)
	}
	fd, err = mount(v.device)
	if err != nil {
		return -1, fmt.Errorf("mounting %s: %w", v.device.Name(), err)
	}
	if v.root != nil {
		return fd, nil
	}
	if v.root, err = os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", fd)); err != nil {
		return -1, errors.Join(fmt.Errorf("opening the volume: %w", err), unix.Close(fd))
	}
	if v.fresh, err = v.state(); err != nil {
		return -1, errors.Join(fmt.Errorf("opening the volume: %w", err), unix.Close(fd))
	}
	return fd, nil
}

// mount names the device by its descriptor, so that nobody can put another one in
// its place.
func mount(device *os.File) (int, error) {
	fs, err := unix.Fsopen("ext4", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("fsopen", err)
	}
	defer func() { _ = unix.Close(fs) }()
	source := fmt.Sprintf("/proc/self/fd/%d", device.Fd())
	if err := unix.FsconfigSetString(fs, "source", source); err != nil {
		return -1, os.NewSyscallError("fsconfig source", err)
	}
	for _, flag := range mountFlags() {
		if err := unix.FsconfigSetFlag(fs, flag); err != nil {
			return -1, os.NewSyscallError("fsconfig "+flag, err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, os.NewSyscallError("fsconfig create", err)
	}
	attributes := unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOATIME
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, attributes)
	return fd, os.NewSyscallError("fsmount", err)
}

// mountFlags are for a file system that nobody needs after a crash: no barriers, so
// that a function's fsync does not wait for the host's disk, and no thread that
// zeroes tables which are zero.
func mountFlags() []string { return []string{"nobarrier", "noinit_itable"} }

// Close gives the volume up: when its mounts are gone too, its disk space and its
// device are free again. A second Close is nil.
func (v *Volume) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.device == nil {
		return nil
	}
	err := v.device.Close()
	if v.image != nil {
		err = errors.Join(v.image.Close(), err)
	}
	if v.root != nil {
		err = errors.Join(v.root.Close(), err)
	}
	v.device, v.image, v.root = nil, nil, nil
	return err
}

// syncFS writes back everything of the file system behind a mount's descriptor. Such
// a descriptor is only a path (O_PATH), so the folder is opened through it first.
func syncFS(mount int) error {
	root, err := unix.Openat(mount, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("openat", err)
	}
	defer func() { _ = unix.Close(root) }()
	return os.NewSyscallError("syncfs", unix.Syncfs(root))
}
