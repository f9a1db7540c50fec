package main

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

func processAttacks() map[string]attack {
	return map[string]attack{
		"find-process": func(args []string) (string, error) { return findIn("cmdline", args[0]) },
		"find-environ": func(args []string) (string, error) { return findIn("environ", args[0]) },
		"kill":         kill,
		"ptrace":       func(args []string) (string, error) { return "", ptrace(number(args, 0)) },
		"set-uid":      setUID,
		"new-user":     newUser,
		"hostname":     hostname,
		"set-hostname": func(args []string) (string, error) { return "", unix.Sethostname([]byte(args[0])) },
		"shm":          shm,
		"priority":     func([]string) (string, error) { return "", unix.Setpriority(unix.PRIO_PROCESS, 0, -5) },
	}
}

func kill(args []string) (string, error) {
	return "", unix.Kill(number(args, 0), syscall.Signal(number(args, 1)))
}

// ptrace attaches without stopping; the kernel lets go when this process ends.
func ptrace(pid int) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(pid), 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func setUID([]string) (string, error) {
	if os.Getuid() != 0 {
		if err := unix.Setresuid(0, 0, 0); err != nil {
			return "", err
		}
	}
	return strconv.Itoa(unix.Getuid()), nil
}

// newUser starts a program in a user namespace of its own, behind a chroot(2) that needs a
// capability there. Mapping ids is not needed for that.
func newUser([]string) (string, error) {
	c := exec.Command("/proc/self/exe", "exit", "0")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, Chroot: "/"}
	return "", c.Run()
}

func hostname([]string) (string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", err
	}
	return unix.ByteSliceToString(name.Nodename[:]), nil
}

// shm reads a shared memory segment of somebody else by its key.
func shm(args []string) (string, error) {
	id, err := unix.SysvShmGet(number(args, 0), 0, 0)
	if err != nil {
		return "", err
	}
	data, err := unix.SysvShmAttach(id, 0, unix.SHM_RDONLY)
	if err != nil {
		return "", err
	}
	return unix.ByteSliceToString(data), nil
}
