package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

func fileAttacks() map[string]attack {
	return map[string]attack{
		"read-file":      readFile,
		"write-file":     func(args []string) (string, error) { return "", os.WriteFile(args[0], []byte(args[1]), 0o666) },
		"open-write":     openWrite,
		"list":           list,
		"devices":        devices,
		"cgroup":         cgroup,
		"mount":          mountTmpfs,
		"fsopen":         fsopen,
		"remount":        remount,
		"chroot":         func([]string) (string, error) { return "", unix.Chroot("/tmp") },
		"unshare-mounts": func([]string) (string, error) { return "", unix.Unshare(unix.CLONE_NEWNS) },
		"mknod":          mknod,
		"set-id":         setID,
		"open-by-handle": openByHandle,
		"inherited":      inherited,
	}
}

// secretSize is the most of a file that is read.
const secretSize = 4096

func readFile(args []string) (string, error) {
	f, err := os.Open(args[0])
	if err != nil {
		return "", err
	}
	defer f.Close()
	text := make([]byte, secretSize)
	n, err := f.Read(text)
	return string(text[:n]), err
}

// openWrite opens for writing and writes nothing.
func openWrite(args []string) (string, error) {
	becomeRoot()
	f, err := os.OpenFile(args[0], os.O_WRONLY, 0)
	if err != nil {
		return "", err
	}
	return "", f.Close()
}

// becomeRoot is what an attacker with rights does first; without them it fails and
// the attack goes on as who it is.
func becomeRoot() {
	_ = unix.Setresgid(0, 0, 0) // see above
	_ = unix.Setresuid(0, 0, 0) // see above
}

func list(args []string) (string, error) {
	entries, err := os.ReadDir(args[0])
	if err != nil {
		return "", err
	}
	if len(entries) == 0 {
		return "", errors.New("empty folder")
	}
	return entries[0].Name(), nil
}

// harmless are the devices that every box may have.
func harmless() []string {
	return []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}
}

// devices names a device node besides the harmless ones.
func devices([]string) (string, error) {
	found := ""
	err := filepath.WalkDir("/dev", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type()&fs.ModeDevice != 0 && !slices.Contains(harmless(), path) {
			found = path
			return fs.SkipAll
		}
		return nil
	})
	if err == nil && found == "" {
		err = errors.New("no device but the harmless ones")
	}
	return found, err
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

// mknod makes another /dev/zero.
func mknod([]string) (string, error) {
	dir, err := os.MkdirTemp("", "mknod")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	return "", unix.Mknod(filepath.Join(dir, "zero"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5)))
}

// setID runs a set-id copy of the probe and sees who that is.
func setID(args []string) (string, error) {
	out, err := exec.Command(args[0], "ids").Output()
	if err != nil {
		return "", err
	}
	ids := strings.Split(strings.Trim(string(out), "[]\n"), ",")
	if len(ids) != 4 || ids[0] == ids[1] && ids[2] == ids[3] {
		return string(out), errors.New("set-id bits had no effect")
	}
	return string(out), nil
}

// openByHandle opens a file by what name_to_handle_at(2) said on the host.
func openByHandle(args []string) (string, error) {
	raw, err := hex.DecodeString(args[1])
	if err != nil {
		return "", err
	}
	mount, err := unix.Open(args[2], unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	fd, err := unix.OpenByHandleAt(mount, unix.NewFileHandle(int32(number(args, 0)), raw), unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(os.NewFile(uintptr(fd), "secret"), secretSize))
	return string(text), err
}

// inherited looks for a file among the open descriptors by device and inode.
func inherited(args []string) (string, error) {
	for _, fd := range descriptors() {
		var s unix.Stat_t
		if unix.Fstat(fd, &s) == nil && fmt.Sprintf("%d:%d", s.Dev, s.Ino) == args[0] {
			return fmt.Sprint(fd), nil
		}
	}
	return "", fmt.Errorf("descriptors are %v", descriptors())
}
