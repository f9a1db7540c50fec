package light

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// emptyPath lies beside lambent-init: the empty folder that covers folders of /proc.
const emptyPath = "/.lambent/empty"

// programs are the folders of the host that a function sees, where they exist; on
// most hosts all but the first are links into it.
var programs = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}

// places are empty folders: mount points for Bind and what programs expect.
var places = []string{
	"/var/task", "/var/runtime", "/var/lang", "/opt", "/tmp", "/run", "/proc", "/dev/shm", "/var/tmp", emptyPath,
	// A workload may bring these, and LD_LIBRARY_PATH names them: an interpreter that waits
	// would never look again into a folder that was not there when it started.
	"/var/task/lib", "/opt/lib",
}

// hiddenFromBoxes is what only a host without PrivateRoot shows.
var hiddenFromBoxes = []string{"/etc", "/root", "/home", "/boot", "/srv", "/media", "/mnt"}

// devices are all that /dev holds, with their numbers (devices.txt of the kernel).
var devices = map[string]uint64{
	"null": unix.Mkdev(1, 3), "zero": unix.Mkdev(1, 5), "full": unix.Mkdev(1, 7),
	"random": unix.Mkdev(1, 8), "urandom": unix.Mkdev(1, 9),
}

// root builds the file system of a template's boxes. Its methods run on the
// template's thread, inside its mount namespace, before the host's root is left.
type root struct {
	driver *Driver
	dir    string          // where it is built
	shown  []sandbox.Mount // of the base's preload
}

// build makes the root and moves the calling thread into it.
func (r root) build() error {
	steps := []func() error{
		r.base, r.programs, r.hostFolders, r.etc, r.devices, r.proc, r.init, r.cgroups, r.preload, r.enter,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("building the root file system: %w", err)
		}
	}
	return nil
}

func (r root) base() error {
	if err := mount.Tmpfs(r.dir, r.flags(unix.MS_NOSUID)|unix.MS_NODEV, "mode=0755,size=4m"); err != nil {
		return err
	}
	for _, place := range places {
		if err := os.MkdirAll(r.at(place), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func (r root) programs() error {
	for _, path := range programs {
		if err := r.show(path); err != nil {
			return err
		}
	}
	return nil
}

// hostFolders takes PrivateRoot away.
func (r root) hostFolders() error {
	if r.driver.has(PrivateRoot) {
		return nil
	}
	for _, path := range hiddenFromBoxes {
		if err := r.show(path); err != nil {
			return err
		}
	}
	return nil
}

// show makes a path of the host visible at the same place: links stay links, folders
// are bound, readable files copied. What the host lacks is left out.
func (r root) show(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.at(path)), 0o755); err != nil {
		return err
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return r.link(path)
	case info.IsDir():
		return r.bind(path)
	case info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0:
		return r.copy(path)
	}
	return nil
}

func (r root) link(path string) error {
	target, err := os.Readlink(path)
	if err != nil {
		return err
	}
	return os.Symlink(target, r.at(path))
}

func (r root) bind(path string) error {
	if err := os.MkdirAll(r.at(path), 0o755); err != nil {
		return err
	}
	return mount.Bind(path, r.at(path), r.attributes(), true)
}

func (r root) copy(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(r.at(path), content, 0o644)
}

// proc shows the host's /proc for as long as a box has none of its own: without a
// visible one the kernel refuses to mount proc in a user namespace (mount_too_revealing).
func (r root) proc() error {
	return mount.Bind("/proc", r.at("/proc"), mount.NoSUID|mount.NoDev|mount.NoExec, false)
}

func (r root) init() error {
	if err := os.WriteFile(r.at(initproto.Path), nil, 0o755); err != nil {
		return err
	}
	return mount.Bind(r.driver.options.Init, r.at(initproto.Path), r.attributes(), false)
}

// cgroups takes Cgroup away.
func (r root) cgroups() error {
	if r.driver.has(Cgroup) {
		return nil
	}
	inside := r.at("/sys/fs/cgroup")
	if err := os.MkdirAll(inside, 0o755); err != nil {
		return err
	}
	return mount.Bind(r.driver.options.CgroupRoot, inside, 0, true)
}

// preload shows what the base's interpreter needs, in every box.
func (r root) preload() error {
	for _, m := range r.shown {
		if err := mount.Bind(m.Source, r.at(m.Target), r.attributes()|mount.ReadOnly, false); err != nil {
			return err
		}
	}
	return nil
}

func (r root) enter() error {
	if err := mount.Pivot(r.dir); err != nil {
		return err
	}
	return mount.Set("/", r.attributes())
}

// attributes are those of everything but /dev and /proc.
func (r root) attributes() uint64 {
	attr := uint64(mount.NoDev)
	if r.driver.has(ReadOnlyRoot) {
		attr |= mount.ReadOnly
	}
	if r.driver.has(NoSUID) {
		attr |= mount.NoSUID
	}
	return attr
}

// flags leaves MS_NOSUID off where NoSUID is taken away.
func (r root) flags(f uintptr) uintptr {
	if !r.driver.has(NoSUID) {
		f &^= unix.MS_NOSUID
	}
	return f
}

func (r root) at(path string) string { return filepath.Join(r.dir, path) }
