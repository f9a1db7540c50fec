package egress

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/netns"
)

// ruler writes the rules of one table in one network namespace.
type ruler struct {
	conn  *nftables.Conn
	raw   *netlink.Conn // conn's socket, whose table it is
	table *nftables.Table
}

// NFT_TABLE_F_OWNER, which x/sys lacks. Source: linux/netfilter/nf_tables.h.
const tableOwner = 0x2

// newRuler makes a table that lives as long as the ruler, and that nobody else can change.
func newRuler(ns *os.File, name string) (r *ruler, err error) {
	r = &ruler{table: &nftables.Table{Name: name, Family: nftables.TableFamilyINet}}
	keep := nftables.WithSockOptions(func(c *netlink.Conn) error { r.raw = c; return nil })
	err = netns.Do(ns, func() (err error) {
		r.conn, err = nftables.New(nftables.AsLasting(), keep)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("opening nftables: %w", err)
	}
	if err := r.own(); err != nil {
		_ = r.close()
		return nil, fmt.Errorf("making the nftables table %s: %w", name, err)
	}
	return r, nil
}

// own makes the table. The library cannot set its flags (github.com/google/nftables, 0.3.0:
// addTable), and the owner is the socket that makes it.
func (r *ruler) own() error {
	attributes, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_TABLE_NAME, Data: append([]byte(r.table.Name), 0)},
		{Type: unix.NFTA_TABLE_FLAGS, Data: binary.BigEndian.AppendUint32(nil, tableOwner)},
	})
	if err != nil {
		return err
	}
	_, err = r.raw.SendMessages([]netlink.Message{
		batch(unix.NFNL_MSG_BATCH_BEGIN),
		{
			Header: netlink.Header{
				Type:  netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWTABLE),
				Flags: netlink.Request | netlink.Acknowledge | netlink.Create | netlink.Excl,
			},
			Data: append([]byte{byte(r.table.Family), unix.NFNETLINK_V0, 0, 0}, attributes...),
		},
		batch(unix.NFNL_MSG_BATCH_END),
	})
	if err != nil {
		return err
	}
	_, err = r.raw.Receive() // the acknowledgement, or the kernel's error
	return err
}

func batch(kind uint16) netlink.Message {
	return netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(kind), Flags: netlink.Request},
		Data:   []byte{0, unix.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES}, // the resource id, big-endian
	}
}

// close ends the table.
func (r *ruler) close() error { return r.conn.CloseLasting() }

// chain adds a chain at a hook.
func (r *ruler) chain(name string, kind nftables.ChainType, hook *nftables.ChainHook, priority nftables.ChainPriority, policy nftables.ChainPolicy) *nftables.Chain {
	return r.conn.AddChain(&nftables.Chain{
		Name: name, Table: r.table, Type: kind, Hooknum: hook, Priority: &priority, Policy: &policy,
	})
}

// rule adds a rule: what must hold, then what is done.
func (r *ruler) rule(to *nftables.Chain, parts ...[]expr.Any) {
	var all []expr.Any
	for _, p := range parts {
		all = append(all, p...)
	}
	r.conn.AddRule(&nftables.Rule{Table: r.table, Chain: to, Exprs: all})
}

// Registers: a key of several values takes consecutive ones of 4 bytes, from the same place
// on as register 1. Source: linux/netfilter/nf_tables.h, nft_registers.
const (
	reg      = unix.NFT_REG_1
	firstKey = unix.NFT_REG32_00
)

func iif(name string) []expr.Any    { return ifname(expr.MetaKeyIIFNAME, expr.CmpOpEq, name) }
func oif(name string) []expr.Any    { return ifname(expr.MetaKeyOIFNAME, expr.CmpOpEq, name) }
func notIIF(name string) []expr.Any { return ifname(expr.MetaKeyIIFNAME, expr.CmpOpNeq, name) }
func notOIF(name string) []expr.Any { return ifname(expr.MetaKeyOIFNAME, expr.CmpOpNeq, name) }

func ifname(key expr.MetaKey, op expr.CmpOp, name string) []expr.Any {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return []expr.Any{&expr.Meta{Key: key, Register: reg}, &expr.Cmp{Op: op, Register: reg, Data: padded}}
}

// ipv4 must stand before what looks into the header: the tables are for both families.
func ipv4() []expr.Any { return metaByte(expr.MetaKeyNFPROTO, unix.NFPROTO_IPV4) }
func ipv6() []expr.Any { return metaByte(expr.MetaKeyNFPROTO, unix.NFPROTO_IPV6) }

func protocol(number byte) []expr.Any { return metaByte(expr.MetaKeyL4PROTO, number) }

func metaByte(key expr.MetaKey, value byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: reg}, &expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: []byte{value}}}
}

// Where the header has the addresses, in bytes, and the ports of TCP and UDP.
const sourceAt, destinationAt, portAt = 12, 16, 2

func load(base expr.PayloadBase, at, length, to uint32) expr.Any {
	return &expr.Payload{OperationType: expr.PayloadLoad, Base: base, Offset: at, Len: length, DestRegister: to}
}

func from(p netip.Prefix) []expr.Any { return address(sourceAt, expr.CmpOpEq, p) }
func to(p netip.Prefix) []expr.Any   { return address(destinationAt, expr.CmpOpEq, p) }

func notFrom(a netip.Addr) []expr.Any { return address(sourceAt, expr.CmpOpNeq, single(a)) }

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

func address(at uint32, op expr.CmpOp, p netip.Prefix) []expr.Any {
	mask := binary.BigEndian.AppendUint32(nil, uint32(uint64(0xffffffff)<<(32-p.Bits())))
	return []expr.Any{
		load(expr.PayloadBaseNetworkHeader, at, 4, reg),
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: mask, Xor: make([]byte, 4)},
		&expr.Cmp{Op: op, Register: reg, Data: p.Masked().Addr().AsSlice()},
	}
}

func port(number uint16) []expr.Any {
	return []expr.Any{
		load(expr.PayloadBaseTransportHeader, portAt, 2, reg),
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: binary.BigEndian.AppendUint16(nil, number)},
	}
}

// state holds where the packet's connection is in one of the states.
func state(bits uint32) []expr.Any {
	return []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: reg},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: binary.NativeEndian.AppendUint32(nil, bits), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg, Data: make([]byte, 4)},
	}
}

const known = expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED

// spoofed holds where an answer to the packet's source would not go back where it came from.
func spoofed() []expr.Any {
	return []expr.Any{
		&expr.Fib{Register: reg, ResultOIF: true, FlagSADDR: true, FlagIIF: true},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: make([]byte, 4)},
	}
}

// local holds where the destination is an address of this network namespace itself.
func local() []expr.Any {
	return []expr.Any{
		&expr.Fib{Register: reg, ResultADDRTYPE: true, FlagDADDR: true},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: binary.NativeEndian.AppendUint32(nil, unix.RTN_LOCAL)},
	}
}

// inSet looks values up that loads have put into the registers from firstKey on.
func inSet(s *nftables.Set, loads ...expr.Any) []expr.Any {
	return append(loads, &expr.Lookup{SourceRegister: firstKey, SetName: s.Name, SetID: s.ID})
}

func verdict(k expr.VerdictKind) []expr.Any { return []expr.Any{&expr.Verdict{Kind: k}} }

func accept() []expr.Any { return verdict(expr.VerdictAccept) }
func drop() []expr.Any   { return verdict(expr.VerdictDrop) }

// reject answers at once, so that nobody waits for what never comes.
func reject() []expr.Any {
	return []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED}}
}
