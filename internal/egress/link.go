package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/netns"
	"lambent.dev/lambent/internal/lambda"
)

// boxLink is the interface's name inside a sandbox.
const boxLink = "eth0"

// Link is a network namespace with a way out. It is for one sandbox, once.
type Link struct {
	NS      *os.File
	Address netip.Addr

	hub    *hub
	policy atomic.Pointer[policy] // nil: all that the profile has
}

// link makes one.
func (h *hub) link(loopback []netip.Prefix) (*Link, error) {
	ns, err := netns.New(loopback...)
	if err != nil {
		return nil, err
	}
	l := &Link{NS: ns, hub: h}
	for range maxLinks {
		var gateway netip.Addr
		n := h.next()
		gateway, l.Address = pair(n)
		if err = l.make(fmt.Sprintf("b%d", n), gateway); !errors.Is(err, unix.EEXIST) {
			break // the one of 65535 links before still is, and so its name
		}
	}
	if err != nil {
		return nil, errors.Join(err, ns.Close())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.links[l.Address] = l
	return l, nil
}

func (h *hub) next() uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = h.last%(maxLinks-1) + 1
	return h.last
}

func (l *Link) make(name string, gateway netip.Addr) error {
	err := netns.Do(l.hub.ns, func() error {
		link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: boxLink, PeerNamespace: netlink.NsFd(int(l.NS.Fd()))}
		if err := netlink.LinkAdd(link); err != nil {
			return err
		}
		return setUp(name, gateway, netip.Addr{})
	})
	if err != nil {
		return err
	}
	return netns.Do(l.NS, func() error { return setUp(boxLink, l.Address, gateway) })
}

// Restrict makes a function's tags hold, before anything of it runs. Once for a link.
func (l *Link) Restrict(r lambda.Reach) error {
	if !r.Outside() {
		return nil
	}
	p := newPolicy(r)
	l.policy.Store(p)
	if err := l.hub.rules.restrict(l.Address, p); err != nil {
		return fmt.Errorf("restricting the network to what the tags allow: %w", err)
	}
	return nil
}

// Close gives the namespace up, which ends with the last process in it, and what was opened
// for it. Nothing of the sandbox runs any more.
func (l *Link) Close() error {
	l.hub.mu.Lock()
	delete(l.hub.links, l.Address)
	l.hub.mu.Unlock()
	err := l.NS.Close()
	if p := l.policy.Load(); p != nil {
		err = errors.Join(err, l.hub.rules.forget(l.Address, p))
	}
	return err
}

// at returns the link of an address; nil = there is none.
func (h *hub) at(a netip.Addr) *Link {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.links[a]
}
