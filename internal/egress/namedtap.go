package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/netns"
)

// namedTap is a tap that a machine's monitor opens itself, by name: it is made in a namespace of its
// own, and moved into the hub once it is open. What has it open keeps it, wherever it is.
type namedTap struct {
	name string // in the hub

	mu    sync.Mutex // held while it is moved or removed
	moved bool
	over  bool
}

// NamedTap makes a link for a machine whose monitor takes no file but opens a tap by name: TapName in
// the namespace NS, as user. There it leads nowhere; Take joins it with the hub, with the rules of
// every link. Such a monitor may ask for a header before each frame, in which a machine leaves sums
// and the cutting of packets to the host's kernel.
func (g *Gateway) NamedTap(user int) (*Link, error) {
	h, err := g.open()
	if err != nil {
		return nil, err
	}
	ns, err := netns.New()
	if err != nil {
		return nil, err
	}
	l := &Link{NS: ns, hub: h, named: &namedTap{}}
	if err := h.add(l, func(name string) error { return l.makeNamed(name, user) }); err != nil {
		return nil, errors.Join(fmt.Errorf("linking a machine to the outside: %w", err), ns.Close())
	}
	return l, nil
}

// makeNamed makes the tap, whose name in the hub nobody has.
func (l *Link) makeNamed(name string, user int) error {
	if l.hub.at(l.Address) != nil {
		return unix.EEXIST
	}
	l.named.name = name
	return netns.Do(l.NS, func() error {
		tap, err := openTap(boxLink)
		if err != nil {
			return err
		}
		return errors.Join(leave(tap, user), tap.Close())
	})
}

// leave has a tap stay when it is closed, for one user to open.
func leave(tap *os.File, user int) error {
	fd := int(tap.Fd())
	if err := unix.IoctlSetInt(fd, unix.TUNSETOWNER, user); err != nil {
		return os.NewSyscallError("ioctl TUNSETOWNER", err)
	}
	return os.NewSyscallError("ioctl TUNSETPERSIST", unix.IoctlSetInt(fd, unix.TUNSETPERSIST, 1))
}

// Take joins a named tap, which the monitor has open, with the hub. Once for a link.
func (l *Link) Take() error {
	l.named.mu.Lock()
	defer l.named.mu.Unlock()
	if l.named.over {
		return os.ErrClosed
	}
	if err := netns.Do(l.NS, l.moveToHub); err != nil {
		return fmt.Errorf("joining a machine's tap: %w", err)
	}
	l.named.moved = true
	return netns.Do(l.hub.ns, func() error { return setUp(l.named.name, l.Gateway, netip.Addr{}) })
}

// moveToHub renames first: there are many eth0, and one hub.
func (l *Link) moveToHub() error {
	link, err := netlink.LinkByName(boxLink)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetName(link, l.named.name); err != nil {
		return err
	}
	return netlink.LinkSetNsFd(link, int(l.hub.ns.Fd()))
}

// remove takes the tap away, wherever it is: one that stays does not end with its last descriptor.
func (l *Link) remove() error {
	l.named.mu.Lock()
	defer l.named.mu.Unlock()
	l.named.over = true
	if !l.named.moved {
		return nil // it ends with its namespace
	}
	return netns.Do(l.hub.ns, func() error {
		link, err := netlink.LinkByName(l.named.name)
		if errors.As(err, &netlink.LinkNotFoundError{}) {
			return nil
		}
		if err != nil {
			return err
		}
		return netlink.LinkDel(link)
	})
}
