package light

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/mount"
)

// descriptorLinks are what programs expect in /dev beside devices.
var descriptorLinks = map[string]string{
	"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
}

// devices fills /dev: few nodes, in a small file system that cannot be written.
func (r root) devices() error {
	if !r.driver.has(PrivateDevices) {
		return mount.Bind("/dev", r.at("/dev"), 0, true)
	}
	if err := mount.Tmpfs(r.at("/dev"), r.flags(unix.MS_NOSUID)|unix.MS_NOEXEC, "mode=0755,size=64k"); err != nil {
		return err
	}
	if err := os.Mkdir(r.at("/dev/shm"), 0o755); err != nil {
		return err
	}
	for name, number := range devices {
		if err := r.node(name, number); err != nil {
			return err
		}
	}
	for name, target := range descriptorLinks {
		if err := os.Symlink(target, r.at("/dev/"+name)); err != nil {
			return err
		}
	}
	if !r.driver.has(ReadOnlyRoot) {
		return nil
	}
	return mount.Set(r.at("/dev"), mount.ReadOnly)
}

func (r root) node(name string, number uint64) error {
	path := r.at("/dev/" + name)
	if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(number)); err != nil {
		return &fs.PathError{Op: "mknod", Path: path, Err: explainNode(err)}
	}
	return os.Chmod(path, 0o666) // whatever the umask is
}

func explainNode(err error) error {
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w: run as real root, with CAP_MKNOD", err)
	}
	return err
}
