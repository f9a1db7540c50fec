package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

// withoutIPv6 switches IPv6 off on the device to the outside, where there is one: nothing there
// speaks it.
func withoutIPv6() error {
	err := os.WriteFile("/proc/sys/net/ipv6/conf/"+agentproto.Link+"/disable_ipv6", []byte("1"), 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// openNetwork gives the device its address, and all that is not the wire's the other end as its
// way. It asks the kernel as ifconfig and route did (netdevice(7)): a library of netlink would be
// most of this program.
func openNetwork(n *agentproto.Network) error {
	if n == nil {
		return nil
	}
	own, err := parseIPv4(n.Address)
	if err != nil {
		return err
	}
	gateway, err := parseIPv4(n.Gateway)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	return errors.Join(setLink(fd, own), addRoute(fd, gateway))
}

func parseIPv4(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err == nil && !a.Is4() {
		err = fmt.Errorf("%s is not of IPv4", a)
	}
	return a, err
}

// pairMask is that of a wire of two.
var pairMask = []byte{255, 255, 255, 254}

func setLink(fd int, own netip.Addr) error {
	for _, set := range []struct {
		request uint
		value   []byte
	}{{unix.SIOCSIFADDR, own.AsSlice()}, {unix.SIOCSIFNETMASK, pairMask}} {
		r, err := unix.NewIfreq(agentproto.Link)
		if err != nil {
			return err
		}
		if err := r.SetInet4Addr(set.value); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(fd, set.request, r); err != nil {
			return os.NewSyscallError("ioctl of "+agentproto.Link, err)
		}
	}
	return raise(fd, agentproto.Link)
}

// raise switches a device on.
func raise(fd int, name string) error {
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return os.NewSyscallError("ioctl SIOCSIFFLAGS", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r))
}

// rtentry is what SIOCADDRT takes, on 64 bits (linux/route.h).
type rtentry struct {
	_                             uint64
	destination, gateway, netmask [16]byte // struct sockaddr
	flags                         uint16
	_                             [6 + 8 + 8 + 8 + 8 + 16 + 8]byte
}

// Flags of routes (linux/route.h).
const routeUp, routeByGateway = 0x1, 0x2

func addRoute(fd int, gateway netip.Addr) error {
	r := rtentry{destination: sockaddr(netip.IPv4Unspecified()), gateway: sockaddr(gateway), netmask: sockaddr(netip.IPv4Unspecified()), flags: routeUp | routeByGateway}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCADDRT, uintptr(unsafe.Pointer(&r))); errno != 0 {
		return os.NewSyscallError("ioctl SIOCADDRT", errno)
	}
	return nil
}

func sockaddr(a netip.Addr) (s [16]byte) {
	binary.NativeEndian.PutUint16(s[:], unix.AF_INET)
	copy(s[4:], a.AsSlice())
	return s
}

// showResolver covers /etc/resolv.conf. The file has no name but that one.
func showResolver(s *agentproto.Setup) error {
	if s.Guest.ResolvConf == "" {
		return nil
	}
	const file, name = "/dev/resolv.conf", "/etc/resolv.conf"
	if err := os.WriteFile(file, []byte(s.Guest.ResolvConf), 0o444); err != nil {
		return err
	}
	flags := uintptr(unix.MS_BIND | unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	return errors.Join(mountOver(file, name, "", unix.MS_BIND), mountOver("", name, "", unix.MS_REMOUNT|flags), os.Remove(file))
}
