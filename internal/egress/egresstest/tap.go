package egresstest

import (
	"os"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/netns"
)

// TapHead is how many bytes come before each frame of a tap that OpenTap opened (virtio_net_hdr_v1).
const TapHead = 12

// OpenTap opens the tap of a name in a namespace as Firecracker does: as a user without rights, with
// a header before each frame.
func OpenTap(ns *os.File, name string, user uint32) (tap *os.File, err error) {
	err = netns.Do(ns, func() error { tap, err = openTap(name, uintptr(user)); return err })
	return tap, err
}

func openTap(name string, user uintptr) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := attachAs(fd, name, user); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// attachAs is called on a thread of its own: Go's setresuid would change all threads.
func attachAs(fd int, name string, user uintptr) error {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	const same, root = ^uintptr(0), 0
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, same, user, same); errno != 0 {
		return errno
	}
	err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, same, root, same); errno != 0 {
		return errno
	}
	if err != nil {
		return err
	}
	return unix.IoctlSetPointerInt(fd, unix.TUNSETVNETHDRSZ, TapHead)
}
