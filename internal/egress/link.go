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

// TapName is the one by which a monitor opens a NamedTap.
const TapName = boxLink

// Link is a network namespace with a way out, or a Tap, or one that is opened by name in a
// namespace. It is for one sandbox, once.
type Link struct {
	NS      *os.File // nil for a Tap
	Tap     *os.File // Ethernet frames without anything before them, one for each read and write; nil for a namespace
	Address netip.Addr
	Gateway netip.Addr // the next hop, on the same wire of two

	hub    *hub
	named  *namedTap              // nil: it is none
	policy atomic.Pointer[policy] // nil: all that the profile has
}

// link makes one.
func (h *hub) link(loopback []netip.Prefix) (*Link, error) {
	ns, err := netns.New(loopback...)
	if err != nil {
		return nil, err
	}
	l := &Link{NS: ns, hub: h}
	if err := h.add(l, l.make); err != nil {
		return nil, errors.Join(err, ns.Close())
	}
	return l, nil
}

// add gives a link the next addresses that are free, and a name in the hub.
func (h *hub) add(l *Link, make func(name string) error) (err error) {
	for range maxLinks {
		n := h.next()
		l.Gateway, l.Address = pair(n)
		if err = make(fmt.Sprintf("b%d", n)); !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.EBUSY) {
			break // the one of 65535 links before still is, and so its name
		}
	}
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.links[l.Address] = l
	return nil
}

func (h *hub) next() uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = h.last%(maxLinks-1) + 1
	return h.last
}

func (l *Link) make(name string) error {
	err := netns.Do(l.hub.ns, func() error {
		link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: boxLink, PeerNamespace: netlink.NsFd(int(l.NS.Fd()))}
		if err := netlink.LinkAdd(link); err != nil {
			return err
		}
		return setUp(name, l.Gateway, netip.Addr{})
	})
	if err != nil {
		return err
	}
	return netns.Do(l.NS, func() error { return setUp(boxLink, l.Address, l.Gateway) })
}

// errNoLink is the answer to a workload that wants what its sandbox does not have.
var errNoLink = errors.New("the sandbox's network leads nowhere: its base is not of the profile egress")

// Restrict makes a function's tags hold, before anything of it runs. Once for a link. A sandbox
// without one has a nil link, which refuses tags of the outside.
func (l *Link) Restrict(r lambda.Reach) error {
	if !r.Outside() {
		return nil
	}
	if l == nil {
		return errNoLink
	}
	p := newPolicy(r)
	l.policy.Store(p)
	if err := l.hub.rules.restrict(l.Address, p); err != nil {
		return fmt.Errorf("restricting the network to what the tags allow: %w", err)
	}
	return nil
}

// Close gives the namespace or the tap up, which ends with the last process that has it, and what
// was opened for it. Nothing of the sandbox runs any more.
func (l *Link) Close() error {
	l.hub.mu.Lock()
	delete(l.hub.links, l.Address)
	l.hub.mu.Unlock()
	err := l.close()
	if p := l.policy.Load(); p != nil {
		err = errors.Join(err, l.hub.rules.forget(l.Address, p))
	}
	return err
}

func (l *Link) close() error {
	switch {
	case l.Tap != nil:
		return l.Tap.Close()
	case l.named != nil:
		return errors.Join(l.remove(), l.NS.Close())
	}
	return l.NS.Close()
}

// at returns the link of an address; nil = there is none.
func (h *hub) at(a netip.Addr) *Link {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.links[a]
}
