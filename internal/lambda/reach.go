package lambda

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Tags that say what a function reaches beside its network profile. Their values are lists
// with blanks between the items: AWS's charset for tags has no comma.
const (
	// AllowTag opens addresses that are closed by default: private networks, single services
	// of the host.
	AllowTag = "lambent:allow"
	// OnlyTag closes all but the names and addresses in it, and what AllowTag opens.
	OnlyTag = "lambent:only"
)

// Reach is what a function may reach beside its profile, or alone. The zero value is the
// profile as it is.
type Reach struct {
	Open  []Endpoint
	Host  []netip.AddrPort // services on the host's loopback, shown at the same address inside
	Only  bool             // nothing is reached but Open, Host and Names
	Names []Name           // empty without Only
}

// Endpoint is a part of the network: addresses, and ports of TCP and UDP.
type Endpoint struct {
	Prefix netip.Prefix
	Ports  Ports
}

// Ports is a range; the zero value is all of them.
type Ports struct{ First, Last uint16 }

// Name is a name of DNS in lower case, without the last dot.
type Name struct {
	Host  string
	Below bool // what is below it is meant, not the name itself
	Ports Ports
}

// Empty says whether the profile stays as it is.
func (r *Reach) Empty() bool { return len(r.Open) == 0 && len(r.Host) == 0 && !r.Only }

// Outside says whether something outside of the sandbox but the host's loopback is meant.
func (r *Reach) Outside() bool { return len(r.Open) > 0 || r.Only }

// maxReach bounds the items of one list. The tag's own limit, 256 characters, is near it.
const maxReach = 64

// neverReached are addresses at which clouds tell a machine's secrets, and such as are no
// destination outside. The link-local ones are AWS's, Google's, Azure's and others'.
var neverReached = map[string]string{
	"0.0.0.0/8": "no destination", "169.254.0.0/16": "link-local, where clouds keep a machine's secrets",
	"168.63.129.16/32": "Azure's host", "100.100.100.200/32": "Alibaba's metadata service",
	"192.0.0.192/32": "Oracle's metadata service", "224.0.0.0/4": "multicast", "240.0.0.0/4": "reserved",
}

// NeverReached lists the IPv4 addresses that no profile and no tag opens, in order.
func NeverReached() []netip.Prefix {
	all := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for text := range neverReached {
		all = append(all, netip.MustParsePrefix(text))
	}
	slices.SortFunc(all, netip.Prefix.Compare)
	return all
}

// reservedPorts are those at which a sandbox's own loopback has the Runtime API and
// Lambda's API.
var reservedPorts = []uint16{9001, 9700}

// ParseReach reads the values of AllowTag and OnlyTag; "" = the tag is not there.
func ParseReach(allow, only string) (Reach, error) {
	var r Reach
	if err := r.each(allow, r.allow); err != nil {
		return Reach{}, err
	}
	r.Only = only != ""
	if err := r.each(only, r.only); err != nil {
		return Reach{}, err
	}
	return r, nil
}

func (r *Reach) each(list string, add func(item string) error) error {
	items := strings.Fields(list)
	if list != "" && len(items) == 0 {
		return errors.New("an empty list: remove the tag instead")
	}
	if len(items) > maxReach {
		return fmt.Errorf("%d items are more than %d", len(items), maxReach)
	}
	for _, item := range items {
		if err := add(item); err != nil {
			return err
		}
	}
	return nil
}

// allow takes an address with a port, or a network.
func (r *Reach) allow(item string) error {
	if at, err := netip.ParseAddrPort(item); err == nil && at.Addr().IsLoopback() {
		return r.host(at)
	}
	e, ok, err := parseEndpoint(item)
	if err != nil {
		return err
	}
	if !ok || e.Prefix.IsSingleIP() && e.Ports == (Ports{}) {
		return fmt.Errorf("%q is neither an address with a port, such as 10.0.0.5:5432, nor a network, such as 10.0.0.0/8", item)
	}
	r.Open = append(r.Open, e)
	return nil
}

func (r *Reach) host(at netip.AddrPort) error {
	if at.Addr() != netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		return fmt.Errorf("%s: of the host's loopback only 127.0.0.1 can be shown", at)
	}
	if at.Port() == 0 || slices.Contains(reservedPorts, at.Port()) {
		return fmt.Errorf("%s: this port is Lambent's own inside a sandbox", at)
	}
	if !slices.Contains(r.Host, at) {
		r.Host = append(r.Host, at)
	}
	return nil
}

// only takes what allow does, single addresses without a port, and names.
func (r *Reach) only(item string) error {
	e, ok, err := parseEndpoint(item)
	if err != nil {
		return err
	}
	if ok {
		r.Open = append(r.Open, e)
		return nil
	}
	n, err := parseName(item)
	if err != nil {
		return err
	}
	r.Names = append(r.Names, n)
	return nil
}

// parseEndpoint reads ADDRESS, ADDRESS:PORT, NETWORK or NETWORK:PORT; ok = it is one of them.
func parseEndpoint(item string) (e Endpoint, ok bool, err error) {
	host, ports, err := cutPorts(item)
	if err != nil {
		return e, false, err
	}
	e.Ports = ports
	if e.Prefix, err = netip.ParsePrefix(host); err != nil {
		addr, err := netip.ParseAddr(host)
		if err != nil {
			return e, false, errIfAddress(item)
		}
		e.Prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	if !e.Prefix.Addr().Is4() {
		return e, false, fmt.Errorf("%q: sandboxes have IPv4 only", item)
	}
	if e.Prefix != e.Prefix.Masked() {
		return e, false, fmt.Errorf("%q: did you mean %s?", item, e.Prefix.Masked())
	}
	return e, true, neverOpened(e.Prefix)
}

// errIfAddress refuses what was meant as an address and is none: it would be taken for a name.
func errIfAddress(item string) error {
	if strings.ContainsAny(item, "/") || strings.Trim(item, "0123456789.:") == "" || strings.Count(item, ":") > 1 {
		return fmt.Errorf("%q is no IPv4 address or network", item)
	}
	return nil
}

func neverOpened(p netip.Prefix) error {
	if p.Overlaps(netip.MustParsePrefix("127.0.0.0/8")) && p.Bits() >= 8 {
		return fmt.Errorf("%s: a service of the host is 127.0.0.1 with one port, in the tag %s", p, AllowTag)
	}
	for text, why := range neverReached {
		never := netip.MustParsePrefix(text)
		if never.Overlaps(p) && never.Bits() <= p.Bits() {
			return fmt.Errorf("%s cannot be opened: %s", p, why)
		}
	}
	return nil
}

// cutPorts takes ":PORT" or ":FIRST-LAST" off.
func cutPorts(item string) (host string, p Ports, err error) {
	host, text, found := strings.Cut(item, ":")
	if !found || strings.Contains(text, ":") { // two of them: IPv6
		return item, p, nil
	}
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	from, err1 := strconv.ParseUint(first, 10, 16)
	to, err2 := strconv.ParseUint(last, 10, 16)
	if err1 != nil || err2 != nil || from == 0 || to < from {
		return "", p, fmt.Errorf("%q: bad port %q: use 1 to 65535", item, text)
	}
	return host, Ports{uint16(from), uint16(to)}, nil
}

// parseName reads HOST or .HOST, which means all names below it.
func parseName(item string) (n Name, err error) {
	n.Host, n.Ports, err = cutPorts(strings.ToLower(item))
	if err != nil {
		return n, err
	}
	if below, ok := strings.CutPrefix(n.Host, "."); ok {
		n.Host, n.Below = below, true
	}
	if !isHostname(n.Host) {
		return n, fmt.Errorf("%q is no name such as api.example.com or .example.com, no address and no network", item)
	}
	return n, nil
}

// isHostname holds the limits of RFC 1123, with underscores, which DNS has too.
func isHostname(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// Matches says whether a name, in lower case and without the last dot, is meant.
func (n Name) Matches(host string) bool {
	if n.Below {
		return strings.HasSuffix(host, "."+n.Host)
	}
	return host == n.Host
}
