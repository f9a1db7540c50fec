package egress

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/netns"
	"lambent.dev/lambent/internal/sandbox"
)

// tunDevice makes taps (the kernel's Documentation/networking/tuntap.rst).
const tunDevice = "/dev/net/tun"

// Tap makes a link for a machine: its other end is a file. Whoever has the file is the one
// station on a wire of its own into the hub, where the rules are the same as for namespaces:
// whatever a machine says that it is, its packets are those of this link. There is no header
// before a frame that the host's kernel would have to believe.
func (g *Gateway) Tap() (*Link, error) {
	h, err := g.open()
	if err != nil {
		return nil, err
	}
	l := &Link{hub: h}
	if err := h.add(l, l.makeTap); err != nil {
		return nil, fmt.Errorf("linking a machine to the outside: %w", err)
	}
	return l, nil
}

// makeTap makes the hub's end, which is gone with the last descriptor of the tap.
func (l *Link) makeTap(name string) error {
	return netns.Do(l.hub.ns, func() (err error) {
		if l.Tap, err = openTap(name); err != nil {
			return err
		}
		if err := setUp(name, l.Gateway, netip.Addr{}); err != nil {
			_ = l.Tap.Close() // the first error counts
			return err
		}
		return nil
	})
}

// openTap makes a tap in the calling thread's network namespace.
func openTap(name string) (*os.File, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: tunDevice, Err: err}
	}
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("ioctl TUNSETIFF", err)
	}
	return os.NewFile(uintptr(fd), "tap "+name), nil
}

// CheckTap says whether machines can be linked.
func CheckTap() sandbox.Check {
	ns, err := netns.New()
	if err == nil {
		defer func() { _ = ns.Close() }()
		err = netns.Do(ns, func() error {
			tap, err := openTap("trial")
			if err != nil {
				return err
			}
			return tap.Close()
		})
	}
	return sandbox.Need("tap devices", tunDevice, err, "modprobe tun; in a container show it "+tunDevice)
}
