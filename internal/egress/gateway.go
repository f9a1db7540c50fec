package egress

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/netns"
)

// Options are what a Gateway needs to know.
type Options struct {
	Owner string // names the rules on the host: letters, digits and '-'
	// Servers are resolvers, as ADDRESS or ADDRESS:PORT, that names are asked of; none = the
	// host's /etc/resolv.conf.
	Servers []netip.AddrPort
	Log     *slog.Logger
}

// Gateway is the way out of all sandboxes of this process. Its methods may be called from many
// goroutines. It holds nothing of the host before the first Link.
type Gateway struct {
	options Options

	opening sync.Mutex // held while it opens or closes; protects hub
	hub     *hub       // nil before the first Link, and after Close
}

// New returns a gateway. It looks at nothing on the host yet: Checks do.
func New(o Options) *Gateway {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Gateway{options: o}
}

// Link makes a network namespace with a link to the outside and the given addresses on its
// loopback. Make it ahead: it takes milliseconds, and the kernel does one at a time.
func (g *Gateway) Link(loopback ...netip.Prefix) (*Link, error) {
	h, err := g.open()
	if err != nil {
		return nil, err
	}
	l, err := h.link(loopback)
	if err != nil {
		return nil, fmt.Errorf("linking a network to the outside: %w", err)
	}
	return l, nil
}

func (g *Gateway) open() (*hub, error) {
	g.opening.Lock()
	defer g.opening.Unlock()
	if g.hub != nil {
		return g.hub, nil
	}
	h, err := openHub(g.options)
	if err != nil {
		return nil, fmt.Errorf("opening the network egress: %w", err)
	}
	g.hub = h
	return h, nil
}

// Close removes everything from the host. Links that still are lead nowhere then.
func (g *Gateway) Close() error {
	g.opening.Lock()
	defer g.opening.Unlock()
	if g.hub == nil {
		return nil
	}
	err := g.hub.close()
	g.hub = nil
	return err
}

// hub is the network namespace in which all links end.
type hub struct {
	ns    *os.File
	log   *slog.Logger
	rules *hubRules
	guard *ruler // of the host
	close func() error

	mu    sync.Mutex // protects the fields below
	last  uint32     // link that was made last
	links map[netip.Addr]*Link
}

// resolverAddress is where every sandbox finds its resolver. Like the addresses of links it is
// of a range for benchmarks (RFC 2544) that is nobody's on the internet.
var resolverAddress = netip.MustParseAddr("198.18.0.1")

// ResolvConf is the content of /etc/resolv.conf for sandboxes.
const ResolvConf = "nameserver 198.18.0.1\noptions timeout:5 attempts:2\n"

func openHub(o Options) (_ *hub, err error) {
	var undo cleanup.Stack
	defer undo.Run(&err)
	host, err := netns.Current()
	if err != nil {
		return nil, err
	}
	undo.Add(host.Close)
	h := &hub{log: o.Log, links: map[netip.Addr]*Link{}}
	if h.ns, err = netns.New(single(resolverAddress)); err != nil {
		return nil, err
	}
	undo.Add(h.ns.Close)
	if err := netns.Do(h.ns, configureHub); err != nil {
		return nil, err
	}
	up, err := connect(host, h.ns)
	if err != nil {
		return nil, err
	}
	undo.Add(func() error { return up.remove(host) })
	if h.guard, err = guardHost(host, o.Owner, up); err != nil {
		return nil, err
	}
	undo.Add(h.guard.close)
	if h.rules, err = guardHub(h.ns, up); err != nil {
		return nil, err
	}
	undo.Add(h.rules.close)
	r, err := startResolver(h, o)
	if err != nil {
		return nil, err
	}
	undo.Add(r.close)
	h.close = undo.Release()
	return h, nil
}

var errTooManyOpen = errors.New("names have opened too many addresses for one sandbox")
