package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelAttacks call what a function has no business with. Where success would do
// harm the arguments are such that the kernel refuses them only after it has looked at the
// caller's rights: EINVAL and the like are success then.
func kernelAttacks() map[string]attack {
	return map[string]attack{
		"add-key":     addKey,
		"bpf":         bpf,
		"perf":        perf,
		"io-uring":    ioUring,
		"userfaultfd": userfaultfd,
		"reboot":      reboot,
		"swapon":      swapon,
		"set-time":    setTime,
		"personality": personality,
		"syslog":      syslog,
		"compat":      compat,
	}
}

// call makes a system call; the errors in fine come after the check of rights.
func call(fine []unix.Errno, number uintptr, a ...uintptr) (uintptr, error) {
	var args [6]uintptr
	copy(args[:], a)
	got, _, errno := unix.Syscall6(number, args[0], args[1], args[2], args[3], args[4], args[5])
	for _, f := range fine {
		if errno == f {
			return 0, nil
		}
	}
	if errno != 0 {
		return 0, errno
	}
	return got, nil
}

// descriptor makes a system call that returns a descriptor, and closes that.
func descriptor(number uintptr, a ...uintptr) (string, error) {
	fd, err := call(nil, number, a...)
	if err != nil {
		return "", err
	}
	return "", unix.Close(int(fd))
}

func addKey([]string) (string, error) {
	_, err := unix.AddKey("user", "lambent-probe", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
	return "", err
}

// bpf makes a map of one element (bpf(2), BPF_MAP_CREATE: type, key, value, entries).
func bpf([]string) (string, error) {
	attr := [4]uint32{unix.BPF_MAP_TYPE_ARRAY, 4, 4, 1}
	return descriptor(unix.SYS_BPF, unix.BPF_MAP_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
}

func perf([]string) (string, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_DUMMY,
		Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Bits: unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
	}
	fd, err := unix.PerfEventOpen(&attr, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return "", err
	}
	return "", unix.Close(fd)
}

func ioUring([]string) (string, error) {
	var params [120]byte // struct io_uring_params
	return descriptor(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)))
}

func userfaultfd([]string) (string, error) {
	const userModeOnly = 1 // UFFD_USER_MODE_ONLY of linux/userfaultfd.h
	return descriptor(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|userModeOnly)
}

// reboot passes a wrong magic number (reboot(2): EINVAL).
func reboot([]string) (string, error) {
	_, err := call([]unix.Errno{unix.EINVAL}, unix.SYS_REBOOT, 0, 0, 0, 0)
	return "", err
}

// swapon names no file (swapon(2)).
func swapon([]string) (string, error) {
	becomeRoot()
	var none [1]byte
	_, err := call([]unix.Errno{unix.ENOENT, unix.EINVAL}, unix.SYS_SWAPON, uintptr(unsafe.Pointer(&none)), 0)
	return "", err
}

// setTime sets the length of the clock's tick to what it is (adjtimex(2)).
func setTime([]string) (string, error) {
	becomeRoot()
	var clock unix.Timex
	if _, err := unix.Adjtimex(&clock); err != nil {
		return "", err
	}
	const adjTick = 0x4000 // ADJ_TICK of linux/timex.h
	clock.Modes = adjTick
	_, err := unix.Adjtimex(&clock)
	return "", err
}

// personality makes readable memory executable in what it executes next.
func personality([]string) (string, error) {
	const readImpliesExec = 0x0400000 // READ_IMPLIES_EXEC of linux/personality.h
	_, err := call(nil, unix.SYS_PERSONALITY, readImpliesExec)
	return "", err
}

// syslog reads the kernel's messages (syslog(2)).
func syslog([]string) (string, error) {
	buf := make([]byte, secretSize)
	n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, buf)
	return string(buf[:max(n, 0)]), err
}
