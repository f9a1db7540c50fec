package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/netns"
)

// The two ends of a trial: one named as uplinks are, one as nothing is.
const (
	trialIn, trialOut = UplinkPrefix + "-trial", "lmb-trial"
	trialPort         = 9700
	trialLock         = "/run/lock/lambent-network"
	passageLimit      = 2 * time.Second
)

var errNoPassage = errors.New("it does not forward what comes from a sandbox")

// trialEnds are the addresses of the two links: the host's, then the other end's.
var trialEnds = [2][2]netip.Addr{
	{netip.MustParseAddr("169.254.68.0"), netip.MustParseAddr("169.254.68.1")},
	{netip.MustParseAddr("169.254.68.2"), netip.MustParseAddr("169.254.68.3")},
}

// tryPassage connects two namespaces by way of the host. One process of a machine does so at a
// time.
func tryPassage(ctx context.Context) (err error) {
	lock, err := os.OpenFile(trialLock, os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return os.NewSyscallError("flock", err)
	}
	var undo cleanup.Stack
	defer undo.Run(&err)
	host, err := netns.Current()
	if err != nil {
		return err
	}
	undo.Add(host.Close)
	var ends [2]*os.File
	for i, name := range []string{trialIn, trialOut} {
		if ends[i], err = trialEnd(host, name, trialEnds[i], &undo); err != nil {
			return fmt.Errorf("trying whether packets pass: %w", err)
		}
	}
	return passes(ctx, ends[0], ends[1])
}

// trialEnd makes a namespace with a link to the host and a default route by way of it.
func trialEnd(host *os.File, name string, pair [2]netip.Addr, undo *cleanup.Stack) (*os.File, error) {
	ns, err := netns.New()
	if err != nil {
		return nil, err
	}
	undo.Add(ns.Close)
	link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: boxLink, PeerNamespace: netlink.NsFd(int(ns.Fd()))}
	err = netns.Do(host, func() error {
		if err := netlink.LinkAdd(link); err != nil {
			return err
		}
		return setUp(name, pair[0], netip.Addr{})
	})
	if err != nil {
		return nil, err
	}
	undo.Add(func() error { return (&uplink{name: name}).remove(host) })
	return ns, netns.Do(ns, func() error { return setUp(boxLink, pair[1], pair[0]) })
}

// passes connects from one namespace to the other.
func passes(ctx context.Context, from, to *os.File) error {
	at := netip.AddrPortFrom(trialEnds[1][1], trialPort).String()
	var l net.Listener
	err := netns.Do(to, func() (err error) {
		l, err = net.Listen("tcp", at)
		return err
	})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	return netns.Do(from, func() error {
		c, err := (&net.Dialer{Timeout: passageLimit}).DialContext(ctx, "tcp", at)
		if err != nil {
			return errNoPassage
		}
		return c.Close()
	})
}
