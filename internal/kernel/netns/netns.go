package netns

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// self is the calling thread's network namespace.
const self = "/proc/thread-self/ns/net"

// Current opens the network namespace of the calling thread.
func Current() (*os.File, error) { return os.Open(self) }

// New makes a network namespace in which only a loopback interface is up, with
// the given addresses added to it. It lives as long as the descriptor, a process
// or a socket in it.
func New(addresses ...netip.Prefix) (ns *os.File, err error) {
	home, err := Current()
	if err != nil {
		return nil, err
	}
	defer func() { _ = home.Close() }()
	failed := onThread(home, func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("unshare", err)
		}
		if err := loopback(addresses); err != nil {
			return err
		}
		ns, err = Current()
		return err
	})
	if failed != nil {
		return nil, fmt.Errorf("making a network namespace: %w", failed)
	}
	return ns, nil
}

// lo is the loopback interface, which is the first of every network namespace
// (LOOPBACK_IFINDEX of the kernel's net/flow.h): it need not be looked for.
var lo = &netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: "lo", Index: 1}}

// loopback talks to the kernel over one socket: making one costs as much as a request.
func loopback(addresses []netip.Prefix) error {
	kernel, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("asking for lo: %w", err)
	}
	defer kernel.Close()
	for _, a := range addresses {
		if err := kernel.AddrAdd(lo, address(a)); err != nil {
			return fmt.Errorf("adding %s to lo: %w", a, err)
		}
	}
	return kernel.LinkSetUp(lo)
}

func address(p netip.Prefix) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
}

// Do runs f on a thread inside ns and waits for it. Sockets that f makes belong to
// ns for ever.
func Do(ns *os.File, f func() error) error {
	home, err := Current()
	if err != nil {
		return err
	}
	defer func() { _ = home.Close() }()
	return onThread(home, func() error {
		if err := Enter(ns); err != nil {
			return err
		}
		return f()
	})
}

// Enter moves the calling thread, which must be locked, into ns.
func Enter(ns *os.File) error {
	var failed error
	raw, err := ns.SyscallConn()
	if err != nil {
		return err
	}
	if err := raw.Control(func(fd uintptr) { failed = unix.Setns(int(fd), unix.CLONE_NEWNET) }); err != nil {
		return err
	}
	return os.NewSyscallError("setns", failed)
}

// onThread runs f on a thread of its own that goes back to home afterwards. Where
// it cannot go back the thread ends with its goroutine, which leaves it locked.
func onThread(home *os.File, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := f()
		if back := Enter(home); back == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}
