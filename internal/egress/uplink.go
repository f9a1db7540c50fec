package egress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/netns"
)

// Names of interfaces. Those on the host begin with UplinkPrefix: a person who writes rules
// for a firewall needs one pattern.
const (
	UplinkPrefix = "lambent"
	hubUplink    = "up"
)

// maxUplinks bounds the servers on one host, also those that finish while others took over.
const maxUplinks = 64

// uplink is the link between the host and the hub.
type uplink struct {
	name string     // on the host
	host netip.Addr // the host's address on it
	hub  netip.Addr // the hub's
}

// uplinkNumber returns the n-th uplink. Its addresses are link-local, in a part that no cloud
// uses for its services: no network of the host is hidden behind them.
func uplinkNumber(n int) uplink {
	first := netip.AddrFrom4([4]byte{169, 254, 67, byte(2 * n)})
	return uplink{name: fmt.Sprintf("%s%d", UplinkPrefix, n), host: first, hub: first.Next()}
}

// connect makes the first uplink that is free. The calling thread is in the host's network.
func connect(host, hub *os.File) (*uplink, error) {
	for n := range maxUplinks {
		u := uplinkNumber(n)
		err := u.make(host, hub)
		if errors.Is(err, unix.EEXIST) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("making the uplink %s: %w", u.name, err)
		}
		return &u, nil
	}
	return nil, fmt.Errorf("all %d uplinks are in use", maxUplinks)
}

func (u *uplink) make(host, hub *os.File) error {
	link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: u.name}, PeerName: hubUplink, PeerNamespace: netlink.NsFd(int(hub.Fd()))}
	if err := netns.Do(host, func() error { return netlink.LinkAdd(link) }); err != nil {
		return err
	}
	err := netns.Do(host, func() error { return setUp(u.name, u.host, netip.Addr{}) })
	if err == nil {
		err = netns.Do(hub, func() error { return setUp(hubUplink, u.hub, u.host) })
	}
	if err != nil {
		return errors.Join(err, u.remove(host))
	}
	return nil
}

func (u *uplink) remove(host *os.File) error {
	return netns.Do(host, func() error {
		link, err := netlink.LinkByName(u.name)
		if err != nil {
			return err
		}
		return netlink.LinkDel(link)
	})
}

// setUp gives an interface of the calling thread's network its address on a link of two, and
// the default route by way of gateway where there is one.
func setUp(name string, own, gateway netip.Addr) error {
	if err := withoutIPv6(name); err != nil {
		return err
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: own.AsSlice(), Mask: net.CIDRMask(31, 32)}}); err != nil {
		return fmt.Errorf("giving %s the address %s: %w", name, own, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("switching %s on: %w", name, err)
	}
	if !gateway.IsValid() {
		return nil
	}
	err = netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: gateway.AsSlice()})
	if err != nil {
		return fmt.Errorf("routing by way of %s: %w", gateway, err)
	}
	return nil
}

// pair returns the two addresses of the n-th link of a sandbox, 0 < n < maxLinks: the hub's,
// then the sandbox's.
func pair(n uint32) (hub, box netip.Addr) {
	base := binary.BigEndian.Uint32([]byte{198, 18, 0, 0}) + 2*n
	return address4(base), address4(base + 1)
}

func address4(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n)))
}

// maxLinks is how many links fit into 198.18.0.0/15. The first is the resolver's.
const maxLinks = 1 << 16
