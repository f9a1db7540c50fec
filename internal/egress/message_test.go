package egress

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func questionOf(t testing.TB, name string) dnsmessage.Question {
	t.Helper()
	n, err := dnsmessage.NewName(name)
	if err != nil {
		t.Fatal(err)
	}
	return dnsmessage.Question{Name: n, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}
}

// FuzzQuery holds that whatever a sandbox sends has an answer to its own question, or none.
func FuzzQuery(f *testing.F) {
	q := questionOf(f, "api.example.com.")
	good, err := question(7, q)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-3])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, query []byte) {
		h, q, ok := parseQuery(query)
		most := maxUDPOf(query)
		if most < minUDP || most > mostUDP {
			t.Fatalf("a reply of %d bytes", most)
		}
		if !ok {
			return
		}
		answer := reply(h, q, dnsmessage.RCodeSuccess, nil, most)
		if answer != nil && !bytes.Equal(answer[:2], query[:2]) {
			t.Fatalf("the answer to %x has another id: %x", query, answer)
		}
	})
}

// FuzzReply holds that what a server sends cannot hurt, and that its records fit a reply.
func FuzzReply(f *testing.F) {
	q := questionOf(f, "api.example.com.")
	good := reply(dnsmessage.Header{ID: 7}, q, dnsmessage.RCodeSuccess, many(q, 3), maxReply)
	f.Add(good)
	f.Add(good[:20])
	f.Fuzz(func(t *testing.T, message []byte) {
		g, ok := parseReply(message, 7, q)
		if !ok {
			return
		}
		answer := reply(dnsmessage.Header{ID: 9}, q, g.code, g.answers, minUDP)
		if len(answer) > minUDP {
			t.Fatalf("a reply of %d bytes", len(answer))
		}
	})
}

func many(q dnsmessage.Question, n int) (all []dnsmessage.Resource) {
	for i := range n {
		all = append(all, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 60},
			Body:   &dnsmessage.AResource{A: [4]byte{198, 51, 100, byte(i)}},
		})
	}
	return all
}

func TestReplyThatIsTooLongSaysSo(t *testing.T) {
	q := questionOf(t, "api.example.com.")
	var m dnsmessage.Message
	if err := m.Unpack(reply(dnsmessage.Header{ID: 7}, q, dnsmessage.RCodeSuccess, many(q, 100), minUDP)); err != nil {
		t.Fatal(err)
	}
	if !m.Truncated || len(m.Answers) != 0 || m.ID != 7 {
		t.Errorf("got %+v", m.Header)
	}
}

func TestReplyToAnotherQuestionIsNone(t *testing.T) {
	q := questionOf(t, "api.example.com.")
	message := reply(dnsmessage.Header{ID: 7}, q, dnsmessage.RCodeSuccess, many(q, 1), maxReply)
	if _, ok := parseReply(message, 7, q); !ok {
		t.Error("the answer is not taken")
	}
	if _, ok := parseReply(message, 8, q); ok {
		t.Error("an answer with another id is taken")
	}
	if _, ok := parseReply(message, 7, questionOf(t, "other.example.com.")); ok {
		t.Error("an answer to another question is taken")
	}
}

func TestNameservers(t *testing.T) {
	text := "# nameserver 192.0.2.9\nsearch example.com\nnameserver 127.0.0.53\nnameserver  fe80::1%eth0 \nnameserver x\n"
	got := nameservers([]byte(text))
	if want := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.53:53"), netip.MustParseAddrPort("[fe80::1%eth0]:53")}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
