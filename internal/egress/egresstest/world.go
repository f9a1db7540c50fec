package egresstest

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/netns"
)

// Addresses of the world. Services answer what they are called.
const (
	Internet = "198.51.100.7"    // a server anywhere
	Other    = "198.51.100.8"    // another one
	Metadata = "169.254.169.254" // where clouds keep a machine's secrets
	Azure    = "168.63.129.16"
	Servers  = "203.0.113.10" // the name server, the host's next hop
	Wide     = "203.0.113.1"  // the host's address there
	Near     = "10.0.0.1"     // the host's address on its own network
	Neighbor = "10.0.0.5"     // a machine on the host's network
	Docker   = "172.17.0.1"   // a bridge of the host
	Service  = "5432"         // the port of services everywhere
	Web      = "443"          // another one of the internet
)

// Addresses of IPv6, of the same machines.
const (
	Internet6 = "2001:db8:7::7"
	Metadata6 = "fd00:ec2::254" // AWS's
	Wide6     = "2001:db8::1"
	Hop6      = "2001:db8::2" // the host's next hop
	Near6     = "2001:db8:1::1"
	Neighbor6 = "2001:db8:1::5"
)

// Zone are the names that the name server knows.
var Zone = map[string][]string{
	"api.example.com":    {Internet},
	"other.example.com":  {Other},
	"example.com":        {Internet},
	"rebind.example.com": {Metadata, Neighbor},
	"near.example.com":   {Neighbor},
	"host.example.com":   {Wide},
}

// World is a host's surroundings.
type World struct {
	t        testing.TB
	internet *os.File
	neighbor *os.File
	Names    *NameServer
}

// New makes the surroundings of this process, which Outside has given a network of its own.
func New(t testing.TB) *World {
	t.Helper()
	if !Inside() {
		t.Fatal("a world is for a process with a network of its own: call Outside first")
	}
	w := &World{t: t, internet: namespace(t), neighbor: namespace(t)}
	must(t, write("ipv4/ip_forward", "1"))
	up(t, "lo")
	w.wire("wan", w.internet, Wide+"/24", Servers+"/24")
	w.wire("lan", w.neighbor, Near+"/24", Neighbor+"/24")
	w.wire("docker0", namespace(t), Docker+"/16", "172.17.0.2/16")
	must(t, netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(Servers)}))
	w.In(w.internet, func() error {
		for _, a := range []string{Internet + "/32", Other + "/32", Metadata + "/32", Azure + "/32", Internet6 + "/128", Metadata6 + "/128"} {
			add(t, "lo", a)
		}
		return nil
	})
	w.wire6("wan", w.internet, Wide6, Hop6)
	w.wire6("lan", w.neighbor, Near6, Neighbor6)
	must(t, Route("::/0", Hop6))
	w.serve()
	return w
}

// serve starts the services.
func (w *World) serve() {
	w.In(w.internet, func() error {
		for _, a := range []string{Internet, Other, Metadata, Azure} {
			Serve(w.t, net.JoinHostPort(a, Service), a)
			Serve(w.t, net.JoinHostPort(a, Web), a)
			Serve(w.t, net.JoinHostPort(a, "80"), a)
		}
		for _, a := range []string{Internet6, Metadata6} {
			Serve(w.t, net.JoinHostPort(a, Service), a)
		}
		w.Names = serveNames(w.t, Servers+":53")
		return nil
	})
	w.In(w.neighbor, func() error {
		Serve(w.t, net.JoinHostPort(Neighbor, Service), Neighbor)
		Serve(w.t, net.JoinHostPort(Neighbor, "80"), Neighbor)
		Serve(w.t, net.JoinHostPort(Neighbor6, Service), Neighbor6)
		return nil
	})
	Serve(w.t, net.JoinHostPort("::", Service), "host")
}

// In runs f with a thread in a network namespace.
func (w *World) In(ns *os.File, f func() error) {
	w.t.Helper()
	must(w.t, netns.Do(ns, f))
}

// Internet runs f on the internet.
func (w *World) OnInternet(f func() error) { w.In(w.internet, f) }

// wire links this process's network to another.
func (w *World) wire(name string, to *os.File, own, other string) {
	w.t.Helper()
	link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: "eth0", PeerNamespace: netlink.NsFd(int(to.Fd()))}
	must(w.t, netlink.LinkAdd(link))
	add(w.t, name, own)
	up(w.t, name)
	w.In(to, func() error {
		add(w.t, "eth0", other)
		up(w.t, "eth0")
		// What has another address than the host's own comes back by the host.
		return netlink.RouteAdd(&netlink.Route{Gw: netip.MustParsePrefix(own).Addr().AsSlice()})
	})
}

// wire6 gives a wire addresses of IPv6; what the other end does not know goes to the host.
func (w *World) wire6(name string, to *os.File, own, other string) {
	w.t.Helper()
	add(w.t, name, own+"/64")
	w.In(to, func() error {
		add(w.t, "eth0", other+"/64")
		return Route("::/0", own)
	})
}

// Route has the calling thread's network reach a network by way of a gateway.
func Route(network, gateway string) error {
	to, err := netlink.ParseIPNet(network)
	if err != nil {
		return err
	}
	return netlink.RouteAdd(&netlink.Route{Dst: to, Gw: net.ParseIP(gateway)})
}

// Address adds an address to an interface of the calling thread's network. It can be used at once.
func Address(link, cidr string) error {
	a, err := netlink.ParseAddr(cidr)
	if err != nil {
		return err
	}
	if a.IP.To4() == nil {
		a.Flags = unix.IFA_F_NODAD
	}
	l, err := netlink.LinkByName(link)
	if err != nil {
		return err
	}
	return netlink.AddrAdd(l, a)
}

func namespace(t testing.TB) *os.File {
	t.Helper()
	ns, err := netns.New()
	must(t, err)
	t.Cleanup(func() { _ = ns.Close() })
	return ns
}

func add(t testing.TB, link, cidr string) {
	t.Helper()
	must(t, Address(link, cidr))
}

func up(t testing.TB, link string) {
	t.Helper()
	l, err := netlink.LinkByName(link)
	must(t, err)
	must(t, netlink.LinkSetUp(l))
}

func write(name, value string) error { return os.WriteFile("/proc/sys/net/"+name, []byte(value), 0) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Serve answers every connection to an address with a name, until the test ends. Whoever
// connects must write a line first.
func Serve(t testing.TB, address, name string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				one := make([]byte, 64)
				if _, err := c.Read(one); err == nil {
					_, _ = fmt.Fprintf(c, "%s saw %s", name, c.RemoteAddr().(*net.TCPAddr).IP)
					_, _ = io.Copy(io.Discard, c)
				}
			}()
		}
	}()
	return l
}

// Listen returns the packets that arrive at an address of the internet.
func (w *World) Listen(t testing.TB, address string) <-chan string {
	t.Helper()
	return w.listen(t, w.internet, address)
}

// ListenNear is Listen on the host's neighbour.
func (w *World) ListenNear(t testing.TB, address string) <-chan string {
	t.Helper()
	return w.listen(t, w.neighbor, address)
}

func (w *World) listen(t testing.TB, at *os.File, address string) <-chan string {
	t.Helper()
	arrived := make(chan string, 64)
	w.In(at, func() error {
		c, err := net.ListenPacket("udp", address)
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		go func() {
			for buffer := make([]byte, 1500); ; {
				n, _, err := c.ReadFrom(buffer)
				if err != nil {
					return
				}
				arrived <- string(buffer[:n])
			}
		}()
		return nil
	})
	return arrived
}
