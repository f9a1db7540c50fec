package egress_test

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/egress/egresstest"
	"lambent.dev/lambent/internal/kernel/netns"
	"lambent.dev/lambent/internal/lambda"
)

// station is a machine that somebody hostile has written: it sends what it likes.
type station struct {
	t    *testing.T
	link *egress.Link
	tap  *os.File
	head int              // bytes before each frame
	hub  net.HardwareAddr // the other end's
}

var stationMAC = net.HardwareAddr{2, 0, 0, 0, 0, 7}

// Kinds of frames, and of ARP's questions and answers (RFC 826).
const (
	etherIPv4, etherARP, etherIPv6 = 0x0800, 0x0806, 0x86dd
	arpAsks, arpAnswers            = 1, 2
)

func newStation(t *testing.T, g *egress.Gateway) *station {
	t.Helper()
	l, err := g.Tap()
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	s := &station{t: t, link: l, tap: l.Tap}
	s.hub = s.whoHas(l.Address, l.Gateway)
	return s
}

// monitorUser is who opens a tap by its name.
const monitorUser = 986_000_002

// newNamedStation is one whose tap is opened as Firecracker opens it: by name, without rights, with
// a header before each frame.
func newNamedStation(t *testing.T, g *egress.Gateway) *station {
	t.Helper()
	l, err := g.NamedTap(monitorUser)
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	s := &station{t: t, link: l, head: egresstest.TapHead}
	s.tap, err = egresstest.OpenTap(l.NS, egress.TapName, monitorUser)
	must(t, err)
	t.Cleanup(func() { _ = s.tap.Close() })
	must(t, l.Take())
	s.hub = s.whoHas(l.Address, l.Gateway)
	return s
}

// stations makes them of each kind of tap.
var stations = map[string]func(*testing.T, *egress.Gateway) *station{"handed over": newStation, "opened by name": newNamedStation}

func (s *station) send(to net.HardwareAddr, kind uint16, body []byte) {
	s.t.Helper()
	frame := append(append(append(make([]byte, s.head), to...), stationMAC...), byte(kind>>8), byte(kind))
	_, err := s.tap.Write(append(frame, body...))
	must(s.t, err)
}

func arp(operation byte, own net.HardwareAddr, from netip.Addr, to netip.Addr) []byte {
	body := append([]byte{0, 1, 8, 0, 6, 4, 0, operation}, own...)
	body = append(append(body, from.AsSlice()...), 0, 0, 0, 0, 0, 0)
	return append(body, to.AsSlice()...)
}

// whoHas asks until it is answered; nil = nobody answers.
func (s *station) whoHas(from, to netip.Addr) net.HardwareAddr {
	s.t.Helper()
	buf := make([]byte, 2048)
	for range 3 {
		s.send(net.HardwareAddr{255, 255, 255, 255, 255, 255}, etherARP, arp(arpAsks, stationMAC, from, to))
		must(s.t, s.tap.SetReadDeadline(time.Now().Add(time.Second)))
		for {
			n, err := s.tap.Read(buf)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			must(s.t, err)
			frame := buf[min(s.head, n):n]
			if len(frame) >= 42 && binary.BigEndian.Uint16(frame[12:]) == etherARP && frame[21] == arpAnswers && netip.AddrFrom4([4]byte(frame[28:32])) == to {
				return net.HardwareAddr(append([]byte{}, frame[22:28]...))
			}
		}
	}
	return nil
}

// datagram is a UDP packet without a checksum of its own (RFC 768).
func datagram(from, to netip.AddrPort, text string) []byte {
	p := make([]byte, 28, 28+len(text))
	p[0], p[8], p[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(p[2:], uint16(28+len(text)))
	copy(p[12:], from.Addr().AsSlice())
	copy(p[16:], to.Addr().AsSlice())
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum+sum>>16))
	binary.BigEndian.PutUint16(p[20:], from.Port())
	binary.BigEndian.PutUint16(p[22:], to.Port())
	binary.BigEndian.PutUint16(p[24:], uint16(8+len(text)))
	return append(p, text...)
}

func (s *station) says(from netip.Addr, to, text string) {
	s.t.Helper()
	s.send(s.hub, etherIPv4, datagram(netip.AddrPortFrom(from, 4000), netip.MustParseAddrPort(to), text))
}

// TestStationCannotForge has a machine whose own kernel is hostile send what no kernel would: from
// addresses of others, to what is closed, by way of answers that nobody asked for.
func TestStationCannotForge(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	world := egresstest.New(t)
	for kind, make := range stations {
		t.Run(kind, func(t *testing.T) { stationCannotForge(t, world, make) })
	}
}

func stationCannotForge(t *testing.T, world *egresstest.World, make func(*testing.T, *egress.Gateway) *station) {
	g := newGateway(t)
	neighbour, s := make(t, g), make(t, g)
	if s.hub == nil || neighbour.hub == nil {
		t.Fatal("the hub does not answer")
	}
	outside := world.Listen(t, egresstest.Internet+":7777")
	near := world.ListenNear(t, egresstest.Neighbor+":7777")
	for _, forged := range []string{neighbour.link.Address.String(), s.link.Gateway.String(), egresstest.Wide, "203.0.113.99", "169.254.67.0", "198.18.0.1", "127.0.0.1", "0.0.0.0"} {
		s.says(netip.MustParseAddr(forged), egresstest.Internet+":7777", "forged "+forged)
		s.says(netip.MustParseAddr(forged), egresstest.Neighbor+":7777", "forged "+forged)
		// It says of others' addresses that they are its own, and of itself that it is the gateway.
		s.send(s.hub, etherARP, arp(arpAnswers, stationMAC, netip.MustParseAddr(forged), s.link.Gateway))
	}
	s.says(s.link.Address, egresstest.Neighbor+":7777", "closed")
	s.says(s.link.Address, neighbour.link.Address.String()+":7777", "closed")
	s.send(s.hub, etherIPv6, octets(60))
	s.send(s.hub, 0x8100, octets(60)) // a VLAN's
	s.send(s.hub, etherIPv4, nil)
	s.says(s.link.Address, egresstest.Internet+":7777", "honest")
	expectOnly(t, outside, "honest")
	neighbour.says(neighbour.link.Address, egresstest.Internet+":7777", "the neighbour, too")
	expectOnly(t, outside, "the neighbour, too")
	if hub := neighbour.whoHas(s.link.Address, s.link.Gateway); hub != nil {
		t.Errorf("the hub answers on one wire to another's address: %s", hub)
	}
	select {
	case text := <-near:
		t.Errorf("%q reached the host's neighbour", text)
	default:
	}
}

// octets are zero.
func octets(n int) []byte { return make([]byte, n) }

func expectOnly(t *testing.T, arrived <-chan string, want string) {
	t.Helper()
	select {
	case text := <-arrived:
		if text != want {
			t.Errorf("%q arrived, want %q", text, want)
		}
	case <-time.After(20 * time.Second):
		t.Errorf("%q did not arrive", want)
	}
}

// TestStationUnprotected shows that what TestStationCannotForge sends arrives without the rules.
func TestStationUnprotected(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	world := egresstest.New(t)
	g := newGateway(t)
	s := newStation(t, g)
	must(t, g.Unguard())
	near := world.ListenNear(t, egresstest.Neighbor+":7777")
	s.says(s.link.Address, egresstest.Neighbor+":7777", "closed")
	expectOnly(t, near, "closed")
}

// TestTapIsRestricted holds a tap to a function's tags.
func TestTapIsRestricted(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	world := egresstest.New(t)
	for kind, make := range stations {
		t.Run(kind, func(t *testing.T) { tapIsRestricted(t, world, make) })
	}
}

func tapIsRestricted(t *testing.T, world *egresstest.World, make func(*testing.T, *egress.Gateway) *station) {
	g := newGateway(t)
	s := make(t, g)
	r, err := lambda.ParseReach(egresstest.Neighbor+":7777", egresstest.Other)
	must(t, err)
	must(t, s.link.Restrict(r))
	near, other, outside := world.ListenNear(t, egresstest.Neighbor+":7777"), world.Listen(t, egresstest.Other+":7777"), world.Listen(t, egresstest.Internet+":7777")
	s.says(s.link.Address, egresstest.Internet+":7777", "closed")
	s.says(s.link.Address, egresstest.Neighbor+":7777", "opened")
	s.says(s.link.Address, egresstest.Other+":7777", "named")
	expectOnly(t, near, "opened")
	expectOnly(t, other, "named")
	select {
	case text := <-outside:
		t.Errorf("%q arrived", text)
	default:
	}
}

// TestNamedTapIsItsUsers: nobody else opens it, nobody twice, and where it was made it leads nowhere
// and leaves nothing.
func TestNamedTapIsItsUsers(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	g := newGateway(t)
	l, err := g.NamedTap(monitorUser)
	must(t, err)
	open := func(user uint32) (*os.File, error) { return egresstest.OpenTap(l.NS, egress.TapName, user) }
	if tap, err := open(monitorUser + 1); err == nil {
		_ = tap.Close()
		t.Error("another user opened it")
	}
	tap, err := open(monitorUser)
	must(t, err)
	defer tap.Close()
	if again, err := open(monitorUser); err == nil {
		_ = again.Close()
		t.Error("it was opened twice")
	}
	inHub := func() (n int) {
		must(t, netns.Do(g.Hub(), func() error {
			all, err := net.Interfaces()
			n = len(all)
			return err
		}))
		return n
	}
	before := inHub()
	must(t, l.Take())
	if n := inHub(); n != before+1 {
		t.Errorf("the hub has %d interfaces, had %d", n, before)
	}
	must(t, l.Close()) // while it is open
	if n := inHub(); n != before {
		t.Errorf("the hub has %d interfaces, had %d", n, before)
	}
	if l.Take() == nil {
		t.Error("a tap that was given up was joined")
	}
}
