package firecracker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Jail is the folder that one Firecracker sees as its root. The jailer makes the rest of it when it
// starts: the program's copy, /dev/kvm, and the folder that belongs to the program's user
// (Firecracker's docs/jailer.md). Files that the program is handed lie in a folder of root's.
type Jail struct {
	exec, base, id string
	user           int
	root, files    *os.File
}

// filesFolder is where files that Firecracker is handed lie.
const filesFolder = "files"

// Names of sockets that Firecracker makes in its root.
const (
	APISocket   = "api.sock"
	VsockSocket = "vsock.sock"
)

// NewJail makes the folder for a program in a folder of jails. Firecracker is to run as a user, and
// as the group of the same number. An id has letters, digits and '-', at most 64.
func NewJail(base, program, id string, user int) (_ *Jail, err error) {
	exec, err := filepath.EvalSymlinks(program) // as the jailer does: it names the folder by that
	if err != nil {
		return nil, err
	}
	j := &Jail{exec: exec, base: base, id: id, user: user}
	if err := os.MkdirAll(filepath.Join(j.path(), "root", filesFolder), 0o755); err != nil {
		return nil, err
	}
	if j.root, err = openFolder(unix.AT_FDCWD, filepath.Join(j.path(), "root")); err != nil {
		return nil, errors.Join(err, os.RemoveAll(j.path()))
	}
	if j.files, err = openFolder(int(j.root.Fd()), filesFolder); err != nil {
		return nil, errors.Join(err, j.root.Close(), os.RemoveAll(j.path()))
	}
	return j, nil
}

func openFolder(at int, name string) (*os.File, error) {
	fd, err := unix.Openat(at, name, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (j *Jail) path() string { return filepath.Join(j.base, filepath.Base(j.exec), j.id) }

// Root is the folder; sockets of Firecracker's appear in it.
func (j *Jail) Root() *os.File { return j.root }

// Inside is the path of a file as the program sees it.
func Inside(name string) string { return "/" + filesFolder + "/" + name }

// Link shows a file under a name, to be read only. It stays root's; the program's group may read
// it. A file without a name, or of another file system, cannot be shown: see CannotLink.
func (j *Jail) Link(f *os.File, name string) error {
	if err := errors.Join(f.Chown(0, j.user), f.Chmod(0o640)); err != nil {
		return err
	}
	from := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	if err := unix.Linkat(unix.AT_FDCWD, from, int(j.files.Fd()), name, unix.AT_SYMLINK_FOLLOW); err != nil {
		return &os.LinkError{Op: "link", Old: f.Name(), New: name, Err: err}
	}
	return nil
}

// CannotLink says whether Link failed because a file has to be copied.
func CannotLink(err error) bool {
	return errors.Is(err, unix.EXDEV) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EMLINK)
}

// Make makes a file that the program may read, and write if so said.
func (j *Jail) Make(name string, writable bool) (*os.File, error) {
	fd, err := unix.Openat(int(j.files.Fd()), name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &os.PathError{Op: "make", Path: name, Err: err}
	}
	f := os.NewFile(uintptr(fd), name)
	owner, mode := 0, os.FileMode(0o640)
	if writable {
		owner, mode = j.user, 0o600
	}
	if err := errors.Join(f.Chown(owner, j.user), f.Chmod(mode)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Remove takes a name away. What the program has opened stays open.
func (j *Jail) Remove(name string) error {
	return os.NewSyscallError("unlinkat", unix.Unlinkat(int(j.files.Fd()), name, 0))
}

// openFiles bounds descriptors of a Firecracker: its drives, sockets, eventfds.
const openFiles = 512

// Command is what starts the program in this jail, as PID 1 of a new process namespace and as
// root. A shell is PID 1 and waits: the kernel's signal for the end of a parent (PR_SET_PDEATHSIG)
// is lost when the jailer changes its user, but the shell keeps it, and takes the namespace with
// it. So no --new-pid-ns; and no --cgroup: what is started is born where it belongs.
func (j *Jail) Command(jailer string) (program string, args []string) {
	user := strconv.Itoa(j.user)
	return "/bin/sh", []string{
		"-c", `"$@"; exit $?`, "sh",
		jailer, "--id", j.id, "--exec-file", j.exec, "--uid", user, "--gid", user, "--chroot-base-dir", j.base,
		"--resource-limit", "no-file=" + strconv.Itoa(openFiles),
		"--", "--api-sock", "/" + APISocket, "--level", "Warning",
	}
}

// Close removes the folder. The program has ended.
func (j *Jail) Close() error {
	return errors.Join(j.files.Close(), j.root.Close(), os.RemoveAll(j.path()))
}
