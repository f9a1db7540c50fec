package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func processAttacks() map[string]attack {
	return map[string]attack{
		"find-process":    func(args []string) (string, error) { return findIn("cmdline", args[0]) },
		"find-environ":    func(args []string) (string, error) { return findIn("environ", args[0]) },
		"kill":            kill,
		"ptrace":          func(args []string) (string, error) { return "", ptrace(number(args, 0)) },
		"set-uid":         setUID,
		"new-user":        newUser,
		"hostname":        hostname,
		"set-hostname":    func(args []string) (string, error) { return "", unix.Sethostname([]byte(args[0])) },
		"shm":             shm,
		"trace-me":        traceMe,
		"read-memory":     readMemory,
		"take-descriptor": takeDescriptor,
		"join":            join,
		"join-process":    joinProcess,
		"clone3":          clone3,
		"device-priority": devicePriority,
		"raise-limit":     raiseLimit,
		"oom-score":       oomScore,
		"priority":        func([]string) (string, error) { return "", unix.Setpriority(unix.PRIO_PROCESS, 0, -5) },
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

// makeShm keeps a segment that everybody may read.
func makeShm(args []string) error {
	id, err := unix.SysvShmGet(number(args, 0), 4096, unix.IPC_CREAT|unix.IPC_EXCL|0o666)
	if err != nil {
		return err
	}
	data, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		return err
	}
	copy(data, args[1])
	if err := print("here"); err != nil {
		return err
	}
	forever()
	return nil
}

// traceMe ends the process, and what it asked for with it.
func traceMe([]string) (string, error) {
	_, err := call(nil, unix.SYS_PTRACE, unix.PTRACE_TRACEME)
	return "", err
}

// readMemory reads where a static Go program begins.
func readMemory(args []string) (string, error) {
	const text = 0x400000 // of Go's linker, for programs that are not position-independent
	got := make([]byte, 4)
	local := []unix.Iovec{{Base: &got[0], Len: uint64(len(got))}}
	remote := []unix.RemoteIovec{{Base: text, Len: len(got)}}
	n, err := unix.ProcessVMReadv(number(args, 0), local, remote, 0)
	return string(got[:max(n, 0)]), err
}

// takeDescriptor copies a descriptor of another process.
func takeDescriptor(args []string) (string, error) {
	process, err := unix.PidfdOpen(number(args, 0), 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(process)
	fd, err := unix.PidfdGetfd(process, number(args, 1), 0)
	if err != nil {
		return "", err
	}
	return "", unix.Close(fd)
}

// join enters the namespace that a file names, which may be its own.
func join(args []string) (string, error) {
	fd, err := unix.Open(args[0], unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return "", unix.Setns(fd, 0)
}

// joinProcess enters the host name of another process.
func joinProcess(args []string) (string, error) {
	process, err := unix.PidfdOpen(number(args, 0), 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(process)
	return "", unix.Setns(process, unix.CLONE_NEWUTS)
}

// clone3 asks for a user namespace and one thing that the kernel refuses only after it has
// let the call in: no room for the flags of its last field (clone3(2), EINVAL).
func clone3([]string) (string, error) {
	const smallest = 64 // CLONE_ARGS_SIZE_VER0 of linux/sched.h
	args := [smallest / 8]uint64{unix.CLONE_NEWUSER | unix.CLONE_FS}
	_, err := call([]unix.Errno{unix.EINVAL}, unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), smallest)
	return "", err
}

// devicePriority asks for the real-time class (ioprio_set(2)).
func devicePriority([]string) (string, error) {
	const whoProcess, realTime = 1, 1 << 13 // IOPRIO_WHO_PROCESS, IOPRIO_CLASS_RT of linux/ioprio.h
	_, err := call(nil, unix.SYS_IOPRIO_SET, whoProcess, 0, realTime)
	return "", err
}

func raiseLimit([]string) (string, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return "", err
	}
	limit.Max++
	return fmt.Sprint(limit.Max), unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
}

// oomScore makes itself as dear as a process of the host that nobody asked about.
func oomScore([]string) (string, error) {
	becomeRoot()
	return "", os.WriteFile("/proc/self/oom_score_adj", []byte("0"), 0)
}
