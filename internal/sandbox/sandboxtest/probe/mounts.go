package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

func mountAttacks() map[string]attack {
	return map[string]attack{
		"cgroup":         cgroup,
		"release-agent":  releaseAgent,
		"mount":          mountTmpfs,
		"mount-over":     mountOver,
		"unmount":        func(args []string) (string, error) { return "", unix.Unmount(args[0], unix.MNT_DETACH) },
		"fsopen":         fsopen,
		"remount":        remount,
		"overlay":        overlay,
		"clone-mounts":   cloneMounts,
		"chroot":         func([]string) (string, error) { return "", unix.Chroot("/tmp") },
		"unshare-mounts": func([]string) (string, error) { return "", unix.Unshare(unix.CLONE_NEWNS) },
	}
}

// cgroup looks for a control group file system and names what it could write in it.
func cgroup([]string) (string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) > 4 && strings.Contains(line, " - cgroup") {
			if _, err := os.Stat(fields[4]); err == nil {
				return fields[4], nil
			}
		}
	}
	return "", errors.New("no control group file system is mounted")
}

func mountTmpfs([]string) (string, error) {
	dir, err := os.MkdirTemp("", "mount")
	if err != nil {
		return "", err
	}
	if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		return "", err
	}
	return "", unix.Unmount(dir, unix.MNT_DETACH)
}

func fsopen([]string) (string, error) {
	fd, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return "", err
	}
	return "", unix.Close(fd)
}

// remount makes a read-only mount writable and writes to it.
func remount(args []string) (string, error) {
	if err := unix.Mount("", args[0], "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return "", err
	}
	return "", os.WriteFile(filepath.Join(args[0], "overwritten"), []byte(args[1]), 0o666)
}

// releaseAgent mounts each hierarchy of control groups of version 1 that the host uses. In
// those that the box has no group of its own in, the host's root group shows.
func releaseAgent([]string) (string, error) {
	becomeRoot()
	text, err := os.ReadFile("/proc/cgroups")
	if err != nil {
		return "", err
	}
	last := errors.New("the host uses no control groups of version 1")
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || line[0] == '#' || fields[1] == "0" {
			continue
		}
		if last = openReleaseAgent(fields[0]); last == nil {
			return fields[0], nil
		}
	}
	return "", last
}

func openReleaseAgent(controller string) error {
	dir, err := os.MkdirTemp("", "cgroup")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	if err := unix.Mount("none", dir, "cgroup", 0, controller); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, "release_agent"), os.O_WRONLY, 0)
	if err == nil {
		err = f.Close()
	}
	return errors.Join(err, unix.Unmount(dir, unix.MNT_DETACH))
}

// mountOver puts a file of its own over another.
func mountOver(args []string) (string, error) {
	own, err := os.CreateTemp("", "over")
	if err != nil {
		return "", err
	}
	defer os.Remove(own.Name())
	defer own.Close()
	if err := unix.Mount(own.Name(), args[0], "", unix.MS_BIND, ""); err != nil {
		return "", err
	}
	return "", unix.Unmount(args[0], unix.MNT_DETACH)
}

// overlay mounts one whose folders are its own.
func overlay([]string) (string, error) {
	dir, err := os.MkdirTemp("", "overlay")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	options := "userxattr"
	for _, name := range []string{"lowerdir", "upperdir", "workdir", "merged"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return "", err
		}
		if name != "merged" {
			options += "," + name + "=" + filepath.Join(dir, name)
		}
	}
	merged := filepath.Join(dir, "merged")
	if err := unix.Mount("none", merged, "overlay", 0, options); err != nil {
		return "", err
	}
	return "", unix.Unmount(merged, unix.MNT_DETACH)
}

func cloneMounts([]string) (string, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, "/tmp", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return "", err
	}
	return "", unix.Close(fd)
}
