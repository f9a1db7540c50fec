package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// numberAttacks are like kernelAttacks: one system call each, with arguments that do no harm.
func numberAttacks() map[string]attack {
	return map[string]attack{
		"join-keyring":      joinKeyring,
		"request-key":       requestKey,
		"io-uring-register": ioUringRegister,
		"load-module":       loadModule,
		"load-kernel":       loadKernel,
		"ports":             ports,
		"kcmp":              kcmp,
		"modify-ldt":        modifyLDT,
		"rare-sockets":      rareSockets,
	}
}

// joinKeyring joins a new one without a name (keyctl(2)).
func joinKeyring([]string) (string, error) {
	_, err := call(nil, unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING)
	return "", err
}

// requestKey asks for a key that nobody has, and for no program to be started for it
// (request_key(2)): ENOKEY says that the kernel looked.
func requestKey([]string) (string, error) {
	kind, name := []byte("user\x00"), []byte("lambent-probe-none\x00")
	_, err := call([]unix.Errno{unix.ENOKEY}, unix.SYS_REQUEST_KEY, uintptr(unsafe.Pointer(&kind[0])), uintptr(unsafe.Pointer(&name[0])), 0, 0)
	return "", err
}

// ioUringRegister sends a message to no ring (io_uring_register(2)): EBADF and EINVAL come
// after the call is let in.
func ioUringRegister([]string) (string, error) {
	_, err := call([]unix.Errno{unix.EBADF, unix.EINVAL, unix.EOPNOTSUPP}, unix.SYS_IO_URING_REGISTER, ^uintptr(0), 0, 0, 0)
	return "", err
}

// loadModule gives an image of no bytes (init_module(2): ENOEXEC).
func loadModule([]string) (string, error) {
	becomeRoot()
	var none [1]byte
	_, err := call([]unix.Errno{unix.ENOEXEC, unix.EFAULT}, unix.SYS_INIT_MODULE, uintptr(unsafe.Pointer(&none)), 0, uintptr(unsafe.Pointer(&none)))
	return "", err
}

// loadKernel passes flags that there are none of (kexec_load(2): EINVAL).
func loadKernel([]string) (string, error) {
	becomeRoot()
	_, err := call([]unix.Errno{unix.EINVAL}, unix.SYS_KEXEC_LOAD, 0, 0, 0, 0x4000)
	return "", err
}

// kcmp compares two descriptors of its own (kcmp(2), KCMP_FILE).
func kcmp([]string) (string, error) {
	pid := uintptr(unix.Getpid())
	_, err := call(nil, unix.SYS_KCMP, pid, pid, 0, 0, 0)
	return "", err
}

// rareSockets tries all families but those that functions need, each of every type.
func rareSockets([]string) (string, error) {
	last := error(unix.EAFNOSUPPORT)
	for family := range unix.AF_MAX {
		switch family {
		case unix.AF_UNSPEC, unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK:
			continue
		}
		for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_RAW, unix.SOCK_SEQPACKET} {
			fd, err := unix.Socket(family, kind, 0)
			if err == nil {
				return "", unix.Close(fd)
			}
			last = err
		}
	}
	return "", last
}
