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
		"read-file":           readFile,
		"write-file":          func(args []string) (string, error) { return "", os.WriteFile(args[0], []byte(args[1]), 0o666) },
		"open-write":          openWrite,
		"list":                list,
		"devices":             devices,
		"mknod":               mknod,
		"set-id":              setID,
		"open-by-handle":      openByHandle,
		"inherited":           inherited,
		"read-from-inherited": readFromInherited,
		"climb":               climb,
		"truncate":            truncate,
		"truncate-program":    truncateProgram,
		"link-device":         linkDevice,
		"find-hidden":         findHidden,
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

// readFromInherited opens a name in every folder that came with exec.
func readFromInherited(args []string) (string, error) {
	for _, folder := range descriptors() {
		fd, err := unix.Openat(folder, args[0], unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(os.NewFile(uintptr(fd), args[0]), secretSize))
		return string(text), err
	}
	return "", fmt.Errorf("descriptors are %v", descriptors())
}

// climb goes up to the root from every folder that it stands in or may reach, and down to a
// file again.
func climb(args []string) (string, error) {
	from := []string{".", "/proc/self/cwd", "/proc/self/root", "/proc/1/cwd", "/proc/1/root"}
	for _, fd := range descriptors() {
		from = append(from, fmt.Sprintf("/proc/self/fd/%d", fd))
	}
	last := errors.New("nowhere to start from")
	for _, folder := range from {
		text, err := readFile([]string{folder + strings.Repeat("/..", 8) + args[0]})
		if err == nil {
			return text, nil
		}
		last = err
	}
	return "", last
}

// truncate gives a file the length that it has. That a program runs and so cannot be written
// to the kernel says after it has looked at the mount and the caller's rights (ETXTBSY).
func truncate(args []string) (string, error) {
	becomeRoot()
	info, err := os.Stat(args[0])
	if err != nil {
		return "", err
	}
	err = unix.Truncate(args[0], info.Size())
	if errors.Is(err, unix.ETXTBSY) {
		err = nil
	}
	return "", err
}

// truncateProgram does it to a file below a folder.
func truncateProgram(args []string) (string, error) {
	becomeRoot()
	last := errors.New("no program there")
	_ = filepath.WalkDir(args[0], func(path string, d fs.DirEntry, err error) error { // last says why
		if err != nil {
			last = err
			return nil
		}
		if d.Type().IsRegular() {
			if _, last = truncate([]string{path}); last == nil {
				return fs.SkipAll
			}
		}
		return nil
	})
	return "", last
}

// linkDevice makes a link where devices are.
func linkDevice([]string) (string, error) {
	becomeRoot()
	const name = "/dev/lambent-attack"
	if err := os.Symlink("/proc/sys/kernel/core_pattern", name); err != nil {
		return "", err
	}
	return "", os.Remove(name)
}

// hide leaves as much in /tmp as it can without traces: names, an attribute, times.
func hide(args []string) error {
	dir := os.TempDir()
	var was unix.Stat_t
	if err := unix.Stat(dir, &was); err != nil {
		return err
	}
	name := filepath.Join(dir, ".hidden-"+args[0])
	if err := os.WriteFile(name, []byte(args[0]), 0o666); err != nil {
		return err
	}
	_ = unix.Setxattr(dir, "user.hidden", []byte(args[0]), 0) // the folder may be another's
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	if os.Rename(name, filepath.Join(dir, "lost+found", "x")) != nil {
		err = os.Remove(name)
	}
	times := []unix.Timespec{was.Atim, was.Mtim}
	_ = unix.UtimesNanoAt(unix.AT_FDCWD, dir, times, 0) // as above
	return errors.Join(err, f.Close())
}

// findHidden reads all that is in /tmp.
func findHidden([]string) (string, error) {
	dir, found := os.TempDir(), ""
	value := make([]byte, secretSize)
	if n, err := unix.Getxattr(dir, "user.hidden", value); err == nil {
		found += string(value[:n])
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		found += path + "\n"
		if err == nil && d.Type().IsRegular() {
			text, _ := readFile([]string{path}) // what cannot be read is not found
			found += text
		}
		return nil
	})
	return found, err
}
