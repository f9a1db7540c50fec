package egress

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/netns"
)

const (
	// maxQuery is the largest question that is read, in bytes: one name, and what comes with it.
	maxQuery = 1232
	// maxAsking bounds questions that are being answered: of all sandboxes, and of one.
	maxAsking, maxAskingOfOne = 1024, 64
	// maxConns bounds the TCP connections to the resolver, and idleConn their time.
	maxConns = 256
	idleConn = 10 * time.Second
	// answerLimit bounds one question, with all servers asked.
	answerLimit = 10 * time.Second
)

// resolver answers the sandboxes' questions by asking others. It makes each question anew of
// the name and the type alone, so nothing else of what a sandbox writes gets out.
type resolver struct {
	hub   *hub
	log   *slog.Logger
	ask   *upstream
	ctx   context.Context // of all questions
	stop  context.CancelCauseFunc
	udp   *net.UDPConn
	tcp   net.Listener
	slots chan struct{} // of questions
	conns chan struct{} // of TCP
	group sync.WaitGroup

	mu     sync.Mutex // protects asking
	asking map[netip.Addr]int
}

var errResolverClosed = errors.New("the resolver is closed")

func startResolver(h *hub, o Options) (_ *resolver, err error) {
	var undo cleanup.Stack
	defer undo.Run(&err)
	r := &resolver{
		hub: h, log: o.Log, ask: &upstream{fixed: o.Servers}, slots: make(chan struct{}, maxAsking),
		conns: make(chan struct{}, maxConns), asking: map[netip.Addr]int{},
	}
	at := netip.AddrPortFrom(resolverAddress, 53)
	err = netns.Do(h.ns, func() (err error) {
		if r.udp, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at)); err != nil {
			return err
		}
		undo.Add(r.udp.Close)
		r.tcp, err = net.Listen("tcp4", at.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	r.ctx, r.stop = context.WithCancelCause(context.Background())
	r.group.Go(r.serveUDP)
	r.group.Go(r.serveTCP)
	undo.Release()
	return r, nil
}

// close ends it and waits for its goroutines.
func (r *resolver) close() error {
	r.stop(errResolverClosed)
	err := errors.Join(r.udp.Close(), r.tcp.Close())
	r.group.Wait()
	return err
}

// serveUDP reads questions until the socket is closed.
func (r *resolver) serveUDP() {
	packet := make([]byte, maxQuery+1)
	for {
		n, from, err := r.udp.ReadFromUDPAddrPort(packet)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n > maxQuery {
			continue
		}
		query := append([]byte(nil), packet[:n]...)
		box := from.Addr().Unmap()
		if !r.begin(box) {
			continue // it asks again
		}
		r.group.Go(func() {
			defer r.end(box)
			if reply := r.answer(box, query, maxUDPOf(query)); reply != nil {
				_, _ = r.udp.WriteToUDPAddrPort(reply, from)
			}
		})
	}
}

// begin counts a question, if it may be asked now.
func (r *resolver) begin(box netip.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asking[box] >= maxAskingOfOne {
		return false
	}
	select {
	case r.slots <- struct{}{}:
		r.asking[box]++
		return true
	default:
		return false
	}
}

func (r *resolver) end(box netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	<-r.slots
	if r.asking[box]--; r.asking[box] == 0 {
		delete(r.asking, box)
	}
}

// serveTCP accepts until the listener is closed.
func (r *resolver) serveTCP() {
	for {
		conn, err := r.tcp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		select {
		case r.conns <- struct{}{}:
			r.group.Go(func() { r.converse(conn) })
		default:
			_ = conn.Close()
		}
	}
}

// converse answers the questions of one connection, one after the other.
func (r *resolver) converse(conn net.Conn) {
	defer func() { <-r.conns }()
	stop := context.AfterFunc(r.ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return
	}
	for box := at.Addr().Unmap(); r.turn(conn, box); {
	}
}

// turn answers one question; false = it was the last.
func (r *resolver) turn(conn net.Conn, box netip.Addr) bool {
	_ = conn.SetDeadline(time.Now().Add(idleConn))
	query, err := readFramed(conn, maxQuery)
	if err != nil || !r.begin(box) {
		return false
	}
	defer r.end(box)
	reply := r.answer(box, query, maxReply)
	_ = conn.SetDeadline(time.Now().Add(idleConn))
	return reply != nil && writeFramed(conn, reply) == nil
}

// readFramed reads a message with its length before it (RFC 1035, 4.2.2).
func readFramed(conn io.Reader, most int) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	if n > most {
		return nil, errors.New("the message is too long")
	}
	message := make([]byte, n)
	_, err := io.ReadFull(conn, message)
	return message, err
}

func writeFramed(conn io.Writer, message []byte) error {
	_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
	return err
}

// answer returns the reply to a query, at most so many bytes; nil = none is due.
func (r *resolver) answer(box netip.Addr, query []byte, most int) []byte {
	head, q, ok := parseQuery(query)
	if !ok {
		return nil
	}
	link := r.hub.at(box)
	if link == nil {
		return reply(head, q, dnsmessage.RCodeRefused, nil, most)
	}
	p := link.policy.Load()
	host := hostOf(q.Name)
	if p != nil && !p.permits(host) {
		return reply(head, q, dnsmessage.RCodeNameError, nil, most)
	}
	if q.Class != dnsmessage.ClassINET || !forwarded(q.Type) {
		return reply(head, q, dnsmessage.RCodeSuccess, nil, most) // there is none of this kind
	}
	ctx, stop := context.WithTimeoutCause(r.ctx, answerLimit, errSlowServers)
	defer stop()
	got, err := r.ask.exchange(ctx, q)
	if err != nil {
		r.log.Debug("resolving a name for a sandbox", "error", err)
		return reply(head, q, dnsmessage.RCodeServerFailure, nil, most)
	}
	if p != nil && p.only {
		if err := link.admitAll(p, host, got.answers); err != nil {
			r.log.Warn("opening the addresses of a name", "error", err)
			return reply(head, q, dnsmessage.RCodeServerFailure, nil, most)
		}
	}
	return reply(head, q, got.code, got.answers, most)
}

// admitAll opens the addresses in an answer before the sandbox learns them.
func (l *Link) admitAll(p *policy, host string, answers []dnsmessage.Resource) error {
	for _, a := range answers {
		body, ok := a.Body.(*dnsmessage.AResource)
		if !ok {
			continue
		}
		life := time.Duration(a.Header.TTL) * time.Second
		if err := l.admit(p, host, netip.AddrFrom4(body.A), min(life, maxLife)); err != nil {
			return err
		}
	}
	return nil
}

// maxLife bounds what a name server can ask for.
const maxLife = time.Hour

// hostOf is a name in lower case without the last dot.
func hostOf(n dnsmessage.Name) string { return strings.ToLower(strings.TrimSuffix(n.String(), ".")) }

// forwarded says which questions are passed on. Sandboxes have no IPv6: AAAA is answered with
// nothing, so that nobody tries it first.
func forwarded(t dnsmessage.Type) bool {
	switch t {
	case dnsmessage.TypeA, dnsmessage.TypeCNAME, dnsmessage.TypeMX, dnsmessage.TypeTXT, dnsmessage.TypeSRV,
		dnsmessage.TypeNS, dnsmessage.TypeSOA, dnsmessage.TypePTR:
		return true
	}
	return false
}
