package egresstest

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// NameServer answers what Zone has, over UDP, and notes what it was asked.
type NameServer struct {
	conn net.PacketConn

	mu    sync.Mutex // protects the fields below
	asked []string
	ttl   uint32
}

func serveNames(t testing.TB, address string) *NameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", address)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	s := &NameServer{conn: conn, ttl: 300}
	go s.run()
	return s
}

// Asked says whether a question for a name has come.
func (s *NameServer) Asked(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.asked, name)
}

func (s *NameServer) run() {
	packet := make([]byte, 4096)
	for {
		n, from, err := s.conn.ReadFrom(packet)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(packet[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		if reply, err := s.answer(m.Header.ID, m.Questions[0]); err == nil {
			_, _ = s.conn.WriteTo(reply, from)
		}
	}
}

func (s *NameServer) answer(id uint16, q dnsmessage.Question) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	s.asked = append(s.asked, name)
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id, Response: true}, Questions: []dnsmessage.Question{q}}
	addresses, ok := Zone[name]
	if !ok {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, a := range addresses {
		if q.Type != dnsmessage.TypeA {
			break
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: s.ttl},
			Body:   &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()},
		})
	}
	return m.Pack()
}
