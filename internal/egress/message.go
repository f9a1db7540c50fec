package egress

import (
	"encoding/binary"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// minUDP is what a reply over UDP may have where the query says nothing (RFC 1035), and
	// mostUDP what it may have at most: no packet on our links is in pieces.
	minUDP, mostUDP = 512, 1232
	// maxReply is what fits a TCP message, in bytes.
	maxReply = 65535
)

// parseQuery reads a query with one question; ok = it is one.
func parseQuery(query []byte) (h dnsmessage.Header, q dnsmessage.Question, ok bool) {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil || h.Response || h.OpCode != 0 {
		return h, q, false
	}
	all, err := p.AllQuestions()
	if err != nil || len(all) != 1 {
		return h, q, false
	}
	return h, all[0], true
}

// maxUDPOf is how long a reply the asker can take, which an OPT record says (RFC 6891).
func maxUDPOf(query []byte) int {
	var p dnsmessage.Parser
	if _, err := p.Start(query); err != nil {
		return minUDP
	}
	if p.SkipAllQuestions() != nil || p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return minUDP
	}
	for {
		h, err := p.AdditionalHeader()
		if err != nil {
			return minUDP
		}
		if h.Type == dnsmessage.TypeOPT {
			return min(max(int(h.Class), minUDP), mostUDP)
		}
		if p.SkipAdditional() != nil {
			return minUDP
		}
	}
}

// reply makes the answer to a query. One that is too long says so and has no answers.
func reply(to dnsmessage.Header, q dnsmessage.Question, code dnsmessage.RCode, answers []dnsmessage.Resource, most int) []byte {
	m := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: to.ID, Response: true, RecursionDesired: to.RecursionDesired, RecursionAvailable: true, RCode: code,
		},
		Questions: []dnsmessage.Question{q}, Answers: answers,
	}
	packed, err := m.Pack()
	if err == nil && len(packed) <= most {
		return packed
	}
	m.Answers, m.Truncated = nil, err == nil
	if err != nil {
		m.RCode = dnsmessage.RCodeServerFailure
	}
	packed, err = m.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// question makes a query of a question and nothing else.
func question(id uint16, q dnsmessage.Question) ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id, RecursionDesired: true})
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(q); err != nil {
		return nil, err
	}
	if err := b.StartAdditionals(); err != nil {
		return nil, err
	}
	var opt dnsmessage.ResourceHeader
	if err := opt.SetEDNS0(mostUDP, 0, false); err != nil {
		return nil, err
	}
	if err := b.OPTResource(opt, dnsmessage.OPTResource{}); err != nil {
		return nil, err
	}
	return b.Finish()
}

// got is what a server answered.
type got struct {
	code      dnsmessage.RCode
	answers   []dnsmessage.Resource
	truncated bool
}

// parseReply reads the answer to a question; ok = it is that. Records of kinds that are not
// known are left out.
func parseReply(message []byte, id uint16, q dnsmessage.Question) (g got, ok bool) {
	if len(message) < 2 || binary.BigEndian.Uint16(message) != id {
		return g, false
	}
	var p dnsmessage.Parser
	h, err := p.Start(message)
	if err != nil || !h.Response {
		return g, false
	}
	all, err := p.AllQuestions()
	if err != nil || len(all) != 1 || all[0].Type != q.Type || all[0].Class != q.Class || hostOf(all[0].Name) != hostOf(q.Name) {
		return g, false
	}
	g.code, g.truncated = h.RCode, h.Truncated
	for {
		r, err := p.Answer()
		if err != nil { // the end, or no more that can be read
			return g, err == dnsmessage.ErrSectionDone
		}
		if r.Header.Class == dnsmessage.ClassINET && known53(r) {
			g.answers = append(g.answers, r)
		}
	}
}

// known53 says whether a record can be passed on.
func known53(r dnsmessage.Resource) bool {
	_, unknown := r.Body.(*dnsmessage.UnknownResource)
	_, option := r.Body.(*dnsmessage.OPTResource)
	return !unknown && !option
}
