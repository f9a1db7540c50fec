package hostroot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/mount"
)

// EmptyPath is an empty folder in every root.
const EmptyPath = "/.lambent/empty"

// The user that functions run as. AWS Lambda shows uid 993, gid 990, sbx_user1051.
const (
	UID = 993
	GID = 990
)

// Hostname is what uname(2) says inside.
const Hostname = "sandbox"

// programs are the folders of the host that a function sees, where they exist; on
// most hosts all but the first are links into it.
var programs = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}

// places are empty folders: mount points for Bind and what programs expect.
var places = []string{
	"/var/task", "/var/runtime", "/var/lang", "/opt", "/tmp", "/run", "/proc", "/dev/shm", "/var/tmp", EmptyPath,
	// A workload may bring these, and LD_LIBRARY_PATH names them: an interpreter that waits
	// would never look again into a folder that was not there when it started.
	"/var/task/lib", "/opt/lib",
}

// hiddenFromBoxes is what only a root with HostFolders shows.
var hiddenFromBoxes = []string{"/etc", "/root", "/home", "/boot", "/srv", "/media", "/mnt"}

// Targets are where a workload may show its folders.
func Targets() []string { return []string{"/var/task", "/opt", "/var/runtime", "/var/lang"} }

// Root is a root file system that is to be. The zero value of every switch is the safe one.
type Root struct {
	Dir string // where it is built
	// Attributes are those of every mount, see package mount. NoDev is always set, and
	// Finish makes the root itself what they say.
	Attributes uint64
	// HostFolders shows what a function must not see. For the attack suites only.
	HostFolders bool
	ResolvConf  string // content of /etc/resolv.conf; "" = names are not resolved
}

// Build mounts a small file system at Dir and fills it.
func (r Root) Build() error {
	for _, step := range []func() error{r.base, r.programs, r.hostFolders, r.etc} {
		if err := step(); err != nil {
			return fmt.Errorf("building the root file system: %w", err)
		}
	}
	return nil
}

func (r Root) base() error {
	flags := uintptr(unix.MS_NODEV)
	if r.Attributes&mount.NoSUID != 0 {
		flags |= unix.MS_NOSUID
	}
	if err := mount.Tmpfs(r.Dir, flags, "mode=0755,size=4m"); err != nil {
		return err
	}
	for _, place := range places {
		if err := os.MkdirAll(r.At(place), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func (r Root) programs() error {
	for _, path := range programs {
		if err := r.show(path); err != nil {
			return err
		}
	}
	return nil
}

func (r Root) hostFolders() error {
	if !r.HostFolders {
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
func (r Root) show(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.At(path)), 0o755); err != nil {
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

func (r Root) link(path string) error {
	target, err := os.Readlink(path)
	if err != nil {
		return err
	}
	return os.Symlink(target, r.At(path))
}

func (r Root) bind(path string) error {
	if err := os.MkdirAll(r.At(path), 0o755); err != nil {
		return err
	}
	return mount.Bind(path, r.At(path), r.Attributes|mount.NoDev, true)
}

func (r Root) copy(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(r.At(path), content, 0o644)
}

// Program shows a program of the host at a path that Build did not make.
func (r Root) Program(source, path string) error {
	if err := os.WriteFile(r.At(path), nil, 0o755); err != nil {
		return err
	}
	return mount.Bind(source, r.At(path), r.Attributes|mount.NoDev, false)
}

// Finish makes the root itself what Attributes say; nothing can be added after it.
func (r Root) Finish() error { return mount.Set(r.Dir, r.Attributes|mount.NoDev) }

// At is where a path of the root is while it is built.
func (r Root) At(path string) string { return filepath.Join(r.Dir, path) }
