package egress

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"lambent.dev/lambent/internal/lambda"
)

// TestDisjoint holds that openings open what was asked for and have nothing in common: the
// kernel refuses what overlaps.
func TestDisjoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		asked := rapid.SliceOfN(rapid.Custom(endpoint), 0, 8).Draw(t, "asked")
		made := disjoint(asked)
		for i := range 16 {
			a := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			for port := range uint16(12) {
				want, got := 0, 0
				for _, e := range asked {
					want = max(want, count(e.Prefix, explicit(e.Ports), a, port))
				}
				for _, o := range made {
					got += count(o.prefix, o.ports, a, port)
				}
				if got != want {
					t.Fatalf("%s:%d is opened %d times, want %d: %v of %v", a, port, got, want, made, asked)
				}
			}
		}
	})
}

func endpoint(t *rapid.T) lambda.Endpoint {
	a := netip.AddrFrom4([4]byte{10, 0, 0, rapid.ByteRange(0, 15).Draw(t, "address")})
	e := lambda.Endpoint{Prefix: netip.PrefixFrom(a, rapid.IntRange(28, 32).Draw(t, "bits")).Masked()}
	if rapid.Bool().Draw(t, "ports") {
		e.Ports.First = rapid.Uint16Range(1, 10).Draw(t, "first")
		e.Ports.Last = rapid.Uint16Range(e.Ports.First, 11).Draw(t, "last")
	}
	return e
}

func count(p netip.Prefix, ports lambda.Ports, a netip.Addr, port uint16) int {
	if p.Contains(a) && ports.First <= port && port <= ports.Last {
		return 1
	}
	return 0
}

// TestNamesShareAddresses holds that the ports of names with one address are cut alike.
func TestNamesShareAddresses(t *testing.T) {
	r, err := lambda.ParseReach("", "a.example.com:80-90 b.example.com:85 c.example.com .example.com:443")
	if err != nil {
		t.Fatal(err)
	}
	p := newPolicy(r)
	a := netip.MustParseAddr("198.51.100.7")
	for host, want := range map[string]string{
		"a.example.com": "[{80 84} {85 85} {86 90} {443 443}]", "b.example.com": "[{85 85} {443 443}]", "d.example.com": "[{443 443}]",
		"c.example.com": "[{0 79} {80 84} {85 85} {86 90} {91 442} {443 443} {444 65535}]", "example.com": "[]", "badexample.com": "[]",
	} {
		var got []lambda.Ports
		for _, o := range p.openings(host, a) {
			got = append(got, o.ports)
		}
		if !sameSet(got, want) {
			t.Errorf("%s opens %v, want %s", host, got, want)
		}
		if p.permits(host) != (want != "[]") {
			t.Errorf("%s may be asked for: %t", host, p.permits(host))
		}
	}
}

func sameSet(ports []lambda.Ports, want string) bool {
	byFirst := map[uint16]lambda.Ports{}
	for _, p := range ports {
		byFirst[p.First] = p
	}
	var sorted []lambda.Ports
	for first := range 65536 {
		if p, ok := byFirst[uint16(first)]; ok {
			sorted = append(sorted, p)
		}
	}
	return fmt.Sprint(sorted) == want && len(sorted) == len(ports)
}
