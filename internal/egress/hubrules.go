package egress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/netns"
	"lambent.dev/lambent/internal/lambda"
)

// maxConnections is how many connections one sandbox may have at once: the table of the
// host's connections is everybody's. AWS gives a function 1,024 descriptors.
const maxConnections = 1024

// private are networks that are not the internet: closed, but for what a tag opens. The last
// one has the sandboxes' own addresses in it.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("198.18.0.0/15"),
}

// hubRules are the rules that know sandboxes apart.
type hubRules struct {
	*ruler
	allowed *nftables.Set // sandbox, destination, port: opened by address
	named   *nftables.Set // the same, for names that were resolved: never a private network
	limited *nftables.Set // sandboxes that reach nothing else

	mu sync.Mutex // one batch at a time
}

// guardHub writes the rules of the hub.
func guardHub(hub *os.File, up *uplink) (*hubRules, error) {
	r, err := newRuler(hub, "lambent")
	if err != nil {
		return nil, err
	}
	h := &hubRules{ruler: r}
	if err := h.write(up); err != nil {
		return nil, errors.Join(err, r.close())
	}
	if err := netns.Do(hub, configureTracking); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return h, nil
}

func (h *hubRules) write(up *uplink) error {
	counts := &nftables.Set{Table: h.table, Name: "counts", KeyType: nftables.TypeIPAddr, Dynamic: true, Size: maxLinks}
	h.limited = &nftables.Set{Table: h.table, Name: "limited", KeyType: nftables.TypeIPAddr}
	h.allowed, h.named = h.openings("allowed"), h.openings("named")
	for _, s := range []*nftables.Set{counts, h.limited, h.allowed, h.named} {
		if err := h.conn.AddSet(s, nil); err != nil {
			return err
		}
	}
	h.arrive()
	h.input()
	h.forward(counts)
	leaves := h.chain("leaves", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, sourceNAT, nftables.ChainPolicyAccept)
	h.rule(leaves, oif(hubUplink), ipv4(), masquerade())
	_, err := h.finish()
	return err
}

func (h *hubRules) openings(name string) *nftables.Set {
	return &nftables.Set{
		Table: h.table, Name: name, Interval: true, Concatenation: true, HasTimeout: true,
		KeyType: nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeIPAddr, nftables.TypeInetService),
	}
}

// arrive drops what nobody may have sent.
func (h *hubRules) arrive() {
	c := h.chain("arrives", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, beforeDNAT, nftables.ChainPolicyAccept)
	h.rule(c, ipv6(), drop())
	h.rule(c, notIIF(hubUplink), notIIF("lo"), spoofed(), drop())
}

// input lets sandboxes ask the resolver.
func (h *hubRules) input() {
	c := h.chain("input", nftables.ChainTypeFilter, nftables.ChainHookInput, beforeFilter, nftables.ChainPolicyDrop)
	h.rule(c, state(known), accept())
	h.rule(c, iif(hubUplink), drop())
	for _, number := range []byte{unix.IPPROTO_UDP, unix.IPPROTO_TCP} {
		h.rule(c, ipv4(), to(single(resolverAddress)), protocol(number), port(53), accept())
	}
	h.rule(c, reject())
}

// forward says what goes through, in this order.
func (h *hubRules) forward(counts *nftables.Set) {
	c := h.chain("forward", nftables.ChainTypeFilter, nftables.ChainHookForward, beforeFilter, nftables.ChainPolicyDrop)
	h.rule(c, state(known), accept())
	h.rule(c, iif(hubUplink), drop())
	h.rule(c, state(expr.CtStateBitINVALID), drop())
	h.rule(c, notOIF(hubUplink), reject()) // another sandbox, the hub's own
	for _, p := range lambda.NeverReached() {
		h.rule(c, ipv4(), to(p), reject())
	}
	h.rule(c, ipv4(), tooMany(counts), reject())
	for _, number := range []byte{unix.IPPROTO_UDP, unix.IPPROTO_TCP} {
		h.rule(c, ipv4(), protocol(number), inSet(h.allowed, route()...), accept())
	}
	for _, p := range private {
		h.rule(c, ipv4(), to(p), reject())
	}
	for _, number := range []byte{unix.IPPROTO_UDP, unix.IPPROTO_TCP} {
		h.rule(c, ipv4(), protocol(number), inSet(h.named, route()...), accept())
	}
	h.rule(c, ipv4(), inSet(h.limited, load(expr.PayloadBaseNetworkHeader, sourceAt, 4, firstKey)), reject())
	for _, number := range []byte{unix.IPPROTO_UDP, unix.IPPROTO_TCP, unix.IPPROTO_ICMP} {
		h.rule(c, ipv4(), protocol(number), accept())
	}
	h.rule(c, reject())
}

// route loads source, destination and port.
func route() []expr.Any {
	return []expr.Any{
		load(expr.PayloadBaseNetworkHeader, sourceAt, 4, firstKey),
		load(expr.PayloadBaseNetworkHeader, destinationAt, 4, firstKey+1),
		load(expr.PayloadBaseTransportHeader, portAt, 2, firstKey+2),
	}
}

// tooMany counts the connections of a source, and holds for one more than there may be.
func tooMany(counts *nftables.Set) []expr.Any {
	return []expr.Any{
		load(expr.PayloadBaseNetworkHeader, sourceAt, 4, firstKey),
		&expr.Dynset{
			SrcRegKey: firstKey, SetName: counts.Name, SetID: counts.ID, Operation: unix.NFT_DYNSET_OP_ADD,
			Exprs: []expr.Any{&expr.Connlimit{Count: maxConnections, Flags: expr.NFT_CONNLIMIT_F_INV}},
		},
	}
}

func masquerade() []expr.Any { return []expr.Any{&expr.Masq{}} }

// finish sends what was added.
func (r *ruler) finish() (*ruler, error) {
	if err := r.conn.Flush(); err != nil {
		return nil, fmt.Errorf("writing the rules of %s: %w", r.table.Name, errors.Join(err, r.close()))
	}
	return r, nil
}

// opening is a destination that is opened for a sandbox.
type opening struct {
	prefix netip.Prefix
	ports  lambda.Ports
}

// elements are an opening as a set has it, for a time; 0 = for good.
func (o opening) elements(box netip.Addr, life time.Duration) []nftables.SetElement {
	first, last := o.prefix.Masked().Addr(), lastOf(o.prefix)
	ports := o.ports
	return []nftables.SetElement{{
		Key: key(box, first, ports.First), KeyEnd: key(box, last, ports.Last), Timeout: life,
	}}
}

func lastOf(p netip.Prefix) netip.Addr {
	first := binary.BigEndian.Uint32(p.Masked().Addr().AsSlice())
	return address4(first | uint32(uint64(0xffffffff)>>p.Bits()))
}

func key(box, destination netip.Addr, port uint16) []byte {
	k := append(box.AsSlice(), destination.AsSlice()...)
	return append(binary.BigEndian.AppendUint16(k, port), 0, 0)
}

// restrict opens and closes what a policy says.
func (h *hubRules) restrict(box netip.Addr, p *policy) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range p.open {
		if err := h.conn.SetAddElements(h.allowed, o.elements(box, 0)); err != nil {
			return err
		}
	}
	if p.only {
		if err := h.conn.SetAddElements(h.limited, []nftables.SetElement{{Key: box.AsSlice()}}); err != nil {
			return err
		}
	}
	return h.conn.Flush()
}

// forget takes away what restrict did; names' addresses go by themselves.
func (h *hubRules) forget(box netip.Addr, p *policy) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range p.open {
		if err := h.conn.SetDeleteElements(h.allowed, o.elements(box, 0)); err != nil {
			return err
		}
	}
	if p.only {
		if err := h.conn.SetDeleteElements(h.limited, []nftables.SetElement{{Key: box.AsSlice()}}); err != nil {
			return err
		}
	}
	return h.conn.Flush()
}

// admit opens the address of a name for a time. One that is open already is opened anew: a
// kernel before 6.12 keeps an element's first timeout.
func (h *hubRules) admit(box netip.Addr, o opening, life time.Duration, renew bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if renew {
		err := h.replace(box, o, life)
		if !errors.Is(err, unix.ENOENT) { // it ended just now
			return err
		}
	}
	if err := h.conn.SetAddElements(h.named, o.elements(box, life)); err != nil {
		return err
	}
	return h.conn.Flush()
}

// replace takes an element out and puts it in again, in one step. Preconditions: mu is held.
func (h *hubRules) replace(box netip.Addr, o opening, life time.Duration) error {
	if err := h.conn.SetDeleteElements(h.named, o.elements(box, 0)); err != nil {
		return err
	}
	if err := h.conn.SetAddElements(h.named, o.elements(box, life)); err != nil {
		return err
	}
	return h.conn.Flush()
}
