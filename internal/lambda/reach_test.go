package lambda

import (
	"cmp"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestParseReach(t *testing.T) {
	got, err := ParseReach("10.0.0.5:5432 192.168.0.0/16 127.0.0.1:6379 127.0.0.1:6379", " 198.51.100.7 203.0.113.0/24:443-444 API.example.com:443  .example.org")
	want := Reach{
		Open: []Endpoint{
			{netip.MustParsePrefix("10.0.0.5/32"), Ports{5432, 5432}},
			{netip.MustParsePrefix("192.168.0.0/16"), Ports{}},
			{netip.MustParsePrefix("198.51.100.7/32"), Ports{}},
			{netip.MustParsePrefix("203.0.113.0/24"), Ports{443, 444}},
		},
		Host:  []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:6379")},
		Only:  true,
		Names: []Name{{"api.example.com", false, Ports{443, 443}}, {"example.org", true, Ports{}}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	if none, err := ParseReach("", ""); err != nil || !none.Empty() {
		t.Errorf("without tags: %+v, %v", none, err)
	}
}

func TestParseReachRefuses(t *testing.T) {
	for _, tt := range []struct{ allow, only, want string }{
		{" ", "", "an empty list"},
		{"10.0.0.5", "", "10.0.0.5:5432"},
		{"api.example.com:443", "", "neither an address with a port"},
		{"169.254.169.254:80", "", "cannot be opened: link-local"},
		{"169.254.0.0/24", "", "cannot be opened"},
		{"168.63.129.16:80", "", "Azure"},
		{"127.0.0.1:9001", "", "Lambent's own"},
		{"127.0.0.2:80", "", "only 127.0.0.1"},
		{"127.0.0.0/8", "", "127.0.0.1 with one port"},
		{"10.0.0.5/8", "", "did you mean 10.0.0.0/8?"},
		{"[2001:db8::1]:443", "", "no IPv4 address"},
		{"10.0.0.5:0", "", "bad port"},
		{"10.0.0.5:90-80", "", "bad port"},
		{"", "10.0.0.300", "no IPv4 address"},
		{"", "2001:db8::/32", "IPv4 only"},
		{"", "https://example.com", "bad port"},
		{"", "example..com", "no name"},
		{"", "exämple.com", "no name"},
		{"", strings.Repeat("a.example.com ", 65), "65 items"},
	} {
		if _, err := ParseReach(tt.allow, tt.only); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q, %q: %v, want %s", tt.allow, tt.only, err, tt.want)
		}
	}
}

// FuzzParseReach holds that nothing that is never opened is opened by name.
func FuzzParseReach(f *testing.F) {
	f.Add("10.0.0.5:5432 127.0.0.1:80", "api.example.com .example.org:1-2 0.0.0.0/0")
	f.Add("169.254.169.254:80", "127.0.0.1")
	f.Fuzz(func(t *testing.T, allow, only string) {
		r, err := ParseReach(allow, only)
		if err != nil {
			return
		}
		for _, e := range r.Open {
			for _, never := range NeverReached() {
				if !e.Prefix.Addr().Is4() || never.Bits() <= e.Prefix.Bits() && never.Contains(e.Prefix.Addr()) {
					t.Fatalf("%s was taken", e.Prefix)
				}
			}
		}
		for _, n := range r.Names {
			if _, err := netip.ParseAddr(n.Host); err == nil || n.Host != strings.ToLower(n.Host) {
				t.Fatalf("the name %q was taken", n.Host)
			}
		}
	})
}

func TestSettledNetwork(t *testing.T) {
	for _, tt := range []struct {
		tags    map[string]string
		network Network
		want    string // of what does not fit; "" = it does
	}{
		{nil, NetworkEgress, ""},
		{map[string]string{IsolationTag: "process"}, NetworkHost, ""},
		{map[string]string{NetworkTag: "none"}, NetworkNone, ""},
		{map[string]string{NetworkTag: "none", AllowTag: "127.0.0.1:80"}, NetworkNone, ""},
		{map[string]string{NetworkTag: "none", AllowTag: "10.0.0.5:80"}, NetworkNone, "lambent:network=egress"},
		{map[string]string{NetworkTag: "none", OnlyTag: "example.com"}, NetworkNone, "lambent:network=egress"},
		{map[string]string{NetworkTag: "host", OnlyTag: "example.com"}, NetworkHost, "has no limits"},
		{map[string]string{OnlyTag: "example.com"}, NetworkEgress, ""},
	} {
		s, err := ParseSettings(tt.tags)
		if err != nil {
			t.Errorf("%v: %v", tt.tags, err)
			continue
		}
		s.Settle(cmp.Or(s.Tier, TierLight), NetworkEgress)
		err = s.Fits()
		if s.Network != tt.network || (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %s, %v", tt.tags, s.Network, err)
		}
	}
}
