package egress_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/egress/egresstest"
	"lambent.dev/lambent/internal/kernel/netns"
	"lambent.dev/lambent/internal/lambda"
)

const w = egresstest.Service

// newGateway skips, naming it, where the host lacks what a gateway needs.
func newGateway(t *testing.T) *egress.Gateway {
	t.Helper()
	g := egress.New(egress.Options{Owner: "test", Servers: []netip.AddrPort{netip.MustParseAddrPort(egresstest.Servers + ":53")}})
	if err := egress.Supported(); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

func newLink(t *testing.T, g *egress.Gateway) *egress.Link {
	t.Helper()
	l, err := g.Link()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// patience is how long a connection may take that must be refused: refusals come at once, and
// what is dropped is not waited for any longer.
const patience = 1500 * time.Millisecond

// try connects from inside and returns what the service says.
func try(l *egress.Link, address string) (string, error) {
	var said []byte
	err := netns.Do(l.NS, func() error {
		c, err := (&net.Dialer{Timeout: patience}).Dial("tcp", address)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := c.Write([]byte("hello\n")); err != nil {
			return err
		}
		_ = c.(*net.TCPConn).CloseWrite()
		said, err = io.ReadAll(c)
		return err
	})
	return string(said), err
}

func reaches(t *testing.T, l *egress.Link, address, want string) {
	t.Helper()
	var err error
	for range 20 { // a loaded machine may need longer than patience
		var said string
		if said, err = try(l, address); err == nil {
			if said != want {
				t.Errorf("%s: said %q, want %q", address, said, want)
			}
			return
		}
	}
	t.Errorf("%s is not reached: %v", address, err)
}

func misses(t *testing.T, l *egress.Link, address string) {
	t.Helper()
	if said, err := try(l, address); err == nil {
		t.Errorf("%s is reached: %q", address, said)
	}
}

// missesAll tries all hosts at once: what is dropped is waited for.
func missesAll(t *testing.T, l *egress.Link, hosts ...string) {
	t.Helper()
	var all sync.WaitGroup
	for _, host := range hosts {
		all.Go(func() { misses(t, l, at(host)) })
	}
	all.Wait()
}

// TestReach holds what the profile egress is: the internet, with the host's address, and no
// more of anything near. TestIPv6 is its other half.
func TestReach(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	g := newGateway(t)
	l, other := newLink(t, g), newLink(t, g)
	reaches(t, l, at(egresstest.Internet), "198.51.100.7 saw "+egresstest.Wide)
	reaches(t, other, at(egresstest.Other), "198.51.100.8 saw "+egresstest.Wide)
	must(t, netns.Do(other.NS, func() error { egresstest.Serve(t, ":"+w, "the other sandbox"); return nil }))
	gateway := other.Address.Prev()
	missesAll(
		t, l, egresstest.Metadata, egresstest.Azure, egresstest.Wide, egresstest.Near, egresstest.Docker, egresstest.Neighbor,
		"127.0.0.1", other.Address.String(), l.Address.Prev().String(), gateway.String(), "169.254.67.0", "169.254.67.1", "198.18.0.1",
		"::1", "::ffff:10.0.0.1",
	)
}

// TestUnprotected shows that each address that TestReach misses answers without the rules: a
// test that cannot fail proves nothing.
func TestUnprotected(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	g := newGateway(t)
	l, other := newLink(t, g), newLink(t, g)
	must(t, netns.Do(other.NS, func() error { egresstest.Serve(t, ":"+w, "the other sandbox"); return nil }))
	must(t, g.Unguard())
	must(t, egresstest.Route("198.18.0.0/15", "169.254.67.1")) // nobody translates addresses any more
	for _, address := range []string{egresstest.Wide, egresstest.Near, egresstest.Docker, "169.254.67.0", "::ffff:10.0.0.1"} {
		reaches(t, l, at(address), "host saw "+l.Address.String())
	}
	reaches(t, l, at(other.Address.String()), "the other sandbox saw "+l.Address.String())
	for _, address := range []string{egresstest.Metadata, egresstest.Azure, egresstest.Neighbor} {
		reaches(t, l, at(address), address+" saw "+l.Address.String())
	}
}

func at(host string) string { return net.JoinHostPort(host, w) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// resolve asks the sandbox's resolver.
func resolve(l *egress.Link, name string) (addrs []string, err error) {
	ask := func(ctx context.Context, network, _ string) (c net.Conn, err error) {
		err = netns.Do(l.NS, func() error {
			c, err = new(net.Dialer).DialContext(ctx, network, "198.18.0.1:53")
			return err
		})
		return c, err
	}
	r := &net.Resolver{PreferGo: true, Dial: ask}
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	return r.LookupHost(ctx, name)
}

func resolves(t *testing.T, l *egress.Link, name string, want ...string) {
	t.Helper()
	got, err := resolve(l, name+".")
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s is %v, %v, want %v", name, got, err, want)
	}
}

func TestResolves(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	l := newLink(t, newGateway(t))
	resolves(t, l, "api.example.com", egresstest.Internet)
	var missing *net.DNSError
	if _, err := resolve(l, "nowhere.example.com."); !errors.As(err, &missing) || !missing.IsNotFound {
		t.Errorf("a name that is not there: %v", err)
	}
}

// TestAllow holds that the tag opens what it names, for that sandbox alone.
func TestAllow(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	g := newGateway(t)
	l, other := newLink(t, g), newLink(t, g)
	must(t, l.Restrict(reach(t, "10.0.0.5:5432 10.0.0.0/16:5400-5500 10.0.0.5:5432", "")))
	reaches(t, l, at(egresstest.Neighbor), "10.0.0.5 saw "+egresstest.Near)
	reaches(t, l, at(egresstest.Internet), "198.51.100.7 saw "+egresstest.Wide)
	misses(t, l, egresstest.Neighbor+":80")
	misses(t, other, at(egresstest.Neighbor))
	misses(t, l, at(egresstest.Near)) // the host, in the network that was opened
	misses(t, l, at(egresstest.Metadata))
}

// TestOnly holds that with a list nothing else is reached, by any port or protocol, and that
// names are worth the addresses that they resolve to.
func TestOnly(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	world := egresstest.New(t)
	g := newGateway(t)
	l, other := newLink(t, g), newLink(t, g)
	must(t, l.Restrict(reach(t, "10.0.0.5:5432", "api.example.com:443 .example.com:5432 203.0.113.77")))
	misses(t, l, at(egresstest.Internet))
	resolves(t, l, "api.example.com", egresstest.Internet)
	reaches(t, l, egresstest.Internet+":443", "198.51.100.7 saw "+egresstest.Wide)
	reaches(t, l, at(egresstest.Internet), "198.51.100.7 saw "+egresstest.Wide) // .example.com has that port
	misses(t, l, egresstest.Internet+":80")
	misses(t, l, at(egresstest.Other))
	misses(t, other, egresstest.Internet+":9999")
	resolves(t, l, "other.example.com", egresstest.Other)
	reaches(t, l, at(egresstest.Other), "198.51.100.8 saw "+egresstest.Wide)
	misses(t, l, egresstest.Other+":443")
	reaches(t, l, at(egresstest.Neighbor), "10.0.0.5 saw "+egresstest.Near)

	if _, err := resolve(l, "secret.attacker.net."); err == nil || world.Names.Asked("secret.attacker.net") {
		t.Errorf("a name that is not on the list left the sandbox: %v", err)
	}
	if _, err := asks(l, egresstest.Servers+":53", "api.example.com."); err == nil {
		t.Error("another name server answers")
	}
	if _, err := asks(other, egresstest.Servers+":53", "api.example.com."); err != nil {
		t.Errorf("without a list another name server does not answer: %v", err)
	}
	resolves(t, l, "rebind.example.com", egresstest.Neighbor, egresstest.Metadata)
	misses(t, l, at(egresstest.Metadata))
	misses(t, other, at(egresstest.Neighbor))
}

// TestNamesOpenNothingNear holds that a name server cannot open a private network.
func TestNamesOpenNothingNear(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	l := newLink(t, newGateway(t))
	must(t, l.Restrict(reach(t, "", "near.example.com host.example.com rebind.example.com")))
	resolves(t, l, "near.example.com", egresstest.Neighbor)
	resolves(t, l, "host.example.com", egresstest.Wide)
	misses(t, l, at(egresstest.Neighbor))
	misses(t, l, at(egresstest.Wide))
}

func asks(l *egress.Link, server, name string) ([]string, error) {
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (c net.Conn, err error) {
		err = netns.Do(l.NS, func() error { c, err = new(net.Dialer).DialContext(ctx, network, server); return err })
		return c, err
	}}
	ctx, stop := context.WithTimeout(context.Background(), 3*time.Second)
	defer stop()
	return r.LookupHost(ctx, name)
}

func reach(t *testing.T, allow, only string) lambda.Reach {
	t.Helper()
	r, err := lambda.ParseReach(allow, only)
	must(t, err)
	return r
}

// TestForged holds that a sandbox that could write packets, which it cannot, would still be
// nobody but itself.
func TestForged(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	world := egresstest.New(t)
	g := newGateway(t)
	l, other := newLink(t, g), newLink(t, g)
	arrived := listenUDP(t, world)
	send(t, l, l.Address)
	awaitPacket(t, arrived)
	for _, forged := range []netip.Addr{other.Address, netip.MustParseAddr("203.0.113.99"), netip.MustParseAddr("169.254.67.0")} {
		send(t, l, forged)
	}
	send(t, l, l.Address) // comes after them
	if from := awaitPacket(t, arrived); from != egresstest.Wide {
		t.Errorf("a packet from %s came out", from)
	}
	if len(arrived) > 0 {
		t.Errorf("a forged packet came out: %s", <-arrived)
	}
}

func listenUDP(t *testing.T, world *egresstest.World) <-chan string {
	t.Helper()
	arrived := make(chan string, 16)
	world.OnInternet(func() error {
		c, err := net.ListenPacket("udp", egresstest.Internet+":7777")
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		go func() {
			for buffer := make([]byte, 64); ; {
				_, from, err := c.ReadFrom(buffer)
				if err != nil {
					return
				}
				arrived <- from.(*net.UDPAddr).IP.String()
			}
		}()
		return nil
	})
	return arrived
}

func awaitPacket(t *testing.T, arrived <-chan string) string {
	t.Helper()
	select {
	case from := <-arrived:
		return from
	case <-time.After(20 * time.Second):
		t.Fatal("no packet came")
		return ""
	}
}

// send writes a UDP packet with a source of its own making.
func send(t *testing.T, l *egress.Link, source netip.Addr) {
	t.Helper()
	must(t, netns.Do(l.NS, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		to := netip.MustParseAddr(egresstest.Internet)
		packet := []byte{0x45, 0, 0, 29, 0, 1, 0, 0, 64, unix.IPPROTO_UDP, 0, 0}
		packet = append(append(packet, source.AsSlice()...), to.AsSlice()...)
		packet = append(packet, 0x1e, 0x61, 0x1e, 0x61, 0, 9, 0, 0, 'x') // port 7777, 9 bytes, no checksum
		return unix.Sendto(fd, packet, 0, &unix.SockaddrInet4{Addr: to.As4()})
	}))
}

// TestConnectionsAreBounded holds that one sandbox cannot fill the host's table of
// connections, and that its neighbour does not notice.
func TestConnectionsAreBounded(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	world := egresstest.New(t)
	g := newGateway(t)
	l, other := newLink(t, g), newLink(t, g)
	world.OnInternet(func() error {
		c, err := net.ListenPacket("udp", egresstest.Internet+":7777")
		t.Cleanup(func() { _ = c.Close() })
		return err
	})
	for end := time.Now().Add(time.Minute); tracked(t) < 1000; connect(t, l, 500) {
		if time.Now().After(end) {
			t.Fatalf("the host tracks %d connections, where 1024 may be", tracked(t))
		}
	}
	connect(t, l, 1500)
	if n := tracked(t); n > 1100 {
		t.Errorf("the host tracks %d connections, where 1024 may be", n)
	}
	reaches(t, other, at(egresstest.Internet), "198.51.100.7 saw "+egresstest.Wide)
}

// connect sends a packet from each of n ports.
func connect(t *testing.T, l *egress.Link, n int) {
	t.Helper()
	must(t, netns.Do(l.NS, func() error {
		for range n {
			c, err := net.Dial("udp", egresstest.Internet+":7777")
			if err != nil {
				return err
			}
			_, _ = c.Write([]byte("x")) // an error tells of one before
			_ = c.Close()
		}
		return nil
	}))
}

// tracked is how many connections the host knows.
func tracked(t *testing.T) (n int) {
	t.Helper()
	_, err := fmt.Sscan(read(t, "/proc/sys/net/netfilter/nf_conntrack_count"), &n)
	must(t, err)
	return n
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}
