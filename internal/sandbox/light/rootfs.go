package light

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/hostroot"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

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

	resolvConf string // content of /etc/resolv.conf
}

// build makes the root and moves the calling thread into it.
func (r root) build() error {
	steps := []func() error{
		r.programs, r.devices, r.proc, r.init, r.cgroups, r.preload, r.enter,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("building the root file system: %w", err)
		}
	}
	return nil
}

// programs are the host's, and what else of it a box sees.
func (r root) programs() error { return r.host().Build() }

// host is the part of the root that every tier has.
func (r root) host() hostroot.Root {
	return hostroot.Root{Dir: r.dir, Attributes: r.attributes(), HostFolders: !r.driver.has(PrivateRoot), ResolvConf: r.resolvConf}
}

// proc shows the host's /proc for as long as a box has none of its own: without a
// visible one the kernel refuses to mount proc in a user namespace (mount_too_revealing).
func (r root) proc() error {
	return mount.Bind("/proc", r.at("/proc"), mount.NoSUID|mount.NoDev|mount.NoExec, false)
}

func (r root) init() error { return r.host().Program(r.driver.options.Init, initproto.Path) }

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
