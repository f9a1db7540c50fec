package hostcheck

import (
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/kernel/volume"
	"lambent.dev/lambent/internal/sandbox"
)

// Root says whether the caller is root; fix is what to do if not.
func Root(fix string) sandbox.Check { return sandbox.Need("root", "uid 0", isRoot(), fix) }

func isRoot() error {
	if uid := os.Geteuid(); uid != 0 {
		return fmt.Errorf("uid %d", uid)
	}
	return nil
}

// Program says whether a file has all permissions in need, one of Lambent's own programs.
func Program(name, path string, need fs.FileMode, fix string) sandbox.Check {
	return sandbox.Need(name, path, executable(path, need), fix)
}

func executable(path string, need fs.FileMode) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&need != need {
		return fmt.Errorf("%s has mode %s", path, info.Mode())
	}
	return nil
}

// ClonedMounts says whether the kernel clones a mount with other attributes (mount_setattr(2)).
func ClonedMounts() sandbox.Check {
	const fix = "use Linux 5.12 or newer; in a container allow CAP_SYS_ADMIN and the mount calls"
	return sandbox.Need("mount_setattr", "works", canClone(), fix)
}

func canClone() error {
	fd, err := mount.Clone("/usr", mount.ReadOnly|mount.NoSUID|mount.NoDev, false)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// Cgroups says what control groups below root do, of that which is used.
func Cgroups(root string, used func(name string) bool) []sandbox.Check {
	host, err := cgroup.Open(root)
	if err != nil {
		return []sandbox.Check{sandbox.Need("cgroups", "mounted", err, "mount cgroups at "+root)}
	}
	var checks []sandbox.Check
	for _, c := range host.Checks() {
		if used(c.Name) {
			checks = append(checks, sandbox.Check(c))
		}
	}
	return checks
}

// Volumes says what is there for images of /tmp in a folder, of that which is used.
func Volumes(dir string, used func(name string) bool) []sandbox.Check {
	maker, err := volume.Open(dir)
	if err != nil {
		return []sandbox.Check{sandbox.Need("/tmp volumes", "a folder that can be written", err, "make the data folder writable for root")}
	}
	var checks []sandbox.Check
	for _, c := range maker.Checks() {
		if used(c.Name) {
			checks = append(checks, sandbox.Check{Name: c.Name, Found: c.Found, OK: c.OK, Required: true, Needed: c.Needed, Fix: c.Fix})
		}
	}
	return checks
}

// All is the choice of those who use all of something.
func All(string) bool { return true }
