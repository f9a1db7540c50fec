package egress_test

import (
	"os"
	"path/filepath"
	"testing"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/egress/egresstest"
	"lambent.dev/lambent/internal/kernel/netns"
)

// Addresses that TestIPv6 gives to two sandboxes, and to the hub on the wire to the first.
const (
	box6, other6 = "fd18:1::2", "fd18:2::2"
	hub6, near6  = "fd18:1::1", "fe80::1%eth0"
)

// TestIPv6 holds that nothing is reached by IPv6, for two reasons of which each is enough: it is
// switched off, and the rules drop it. Without both of them all is reached.
func TestIPv6(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	world := egresstest.New(t)
	g := newGateway(t)
	l, other, off := newLink(t, g), newLink(t, g), newLink(t, g)
	said := map[string]string{
		egresstest.Internet6: egresstest.Internet6, egresstest.Metadata6: egresstest.Metadata6, egresstest.Neighbor6: egresstest.Neighbor6,
		egresstest.Wide6: "host", egresstest.Near6: "host", other6: "the other sandbox", hub6: "the hub", near6: "the hub",
	}
	closed := func(l *egress.Link) {
		t.Helper()
		var hosts []string
		for host := range said {
			hosts = append(hosts, host)
		}
		missesAll(t, l, hosts...)
	}
	closed(l)
	switchedOff(t, world, g, l)
	switchOn(t, world, g, l, other)
	closed(l)
	must(t, g.Unguard())
	closed(off)
	for host, name := range said {
		from := box6
		if host == near6 {
			from = "fe80::2"
		}
		reaches(t, l, at(host), name+" saw "+from)
	}
}

// switchedOff holds that no interface between a sandbox and the host takes an address of IPv6.
func switchedOff(t *testing.T, world *egresstest.World, g *egress.Gateway, l *egress.Link) {
	t.Helper()
	try := func(link string) {
		if err := egresstest.Address(link, "fd18:9::1/64"); err == nil {
			t.Errorf("%s takes an address of IPv6", link)
		}
	}
	try("lambent0")
	world.In(g.Hub(), func() error { try("up"); try("b1"); return nil })
	world.In(l.NS, func() error { try("eth0"); return nil })
}

// switchOn undoes what keeps IPv6 away from the first two links, all but the rules: it is on
// everywhere, with addresses and routes from each sandbox to the world and back.
func switchOn(t *testing.T, world *egresstest.World, g *egress.Gateway, l, other *egress.Link) {
	t.Helper()
	host, err := netns.Current()
	must(t, err)
	defer host.Close()
	wire6(t, world, host, map[string][]string{"lambent0": {"fd67::1/64", "fe80::1/64"}}, "fd18::/16", "fd67::2")
	wire6(t, world, g.Hub(), map[string][]string{
		"up": {"fd67::2/64", "fe80::2/64"}, "b1": {hub6 + "/64", "fe80::1/64"}, "b2": {"fd18:2::1/64", "fe80::1/64"},
	}, "::/0", "fd67::1")
	world.In(g.Hub(), func() error { egresstest.Serve(t, "[::]:"+w, "the hub"); return nil })
	wire6(t, world, l.NS, map[string][]string{"eth0": {box6 + "/64", "fe80::2/64"}}, "::/0", hub6)
	wire6(t, world, other.NS, map[string][]string{"eth0": {other6 + "/64", "fe80::2/64"}}, "::/0", "fd18:2::1")
	world.In(other.NS, func() error { egresstest.Serve(t, "[::]:"+w, "the other sandbox"); return nil })
}

// wire6 switches IPv6 on in a network, gives interfaces addresses and forwards to a gateway. Who forwards
// asks for neighbours from a link-local address.
func wire6(t *testing.T, world *egresstest.World, ns *os.File, addresses map[string][]string, network, gateway string) {
	t.Helper()
	world.In(ns, func() error {
		set6(t, "all/disable_ipv6", "0")
		set6(t, "all/forwarding", "1")
		for link, own := range addresses {
			set6(t, link+"/disable_ipv6", "0")
			for _, address := range own {
				must(t, egresstest.Address(link, address))
			}
		}
		return egresstest.Route(network, gateway)
	})
}

func set6(t *testing.T, name, value string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join("/proc/sys/net/ipv6/conf", name), []byte(value), 0))
}
