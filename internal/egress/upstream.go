package egress

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// serverLimit bounds what one server may take for one question.
const serverLimit = 3 * time.Second

var (
	errSlowServers = errors.New("no name server answered in time")
	errNoServers   = errors.New("the host's /etc/resolv.conf names no server: name some in network.resolvers")
)

// upstream are the servers that know names: those of the host.
type upstream struct {
	fixed []netip.AddrPort // none = the host's /etc/resolv.conf
}

// resolvConf is where a host says which servers it asks.
const resolvConf = "/etc/resolv.conf"

// servers are read each time: a laptop changes them, and a question to another machine costs
// far more than reading a file.
func (u *upstream) servers() ([]netip.AddrPort, error) {
	if len(u.fixed) > 0 {
		return u.fixed, nil
	}
	text, err := os.ReadFile(resolvConf)
	if err != nil {
		return nil, err
	}
	if all := nameservers(text); len(all) > 0 {
		return all, nil
	}
	return nil, errNoServers
}

// nameservers reads the lines "nameserver ADDRESS" of a resolv.conf(5), at most three.
func nameservers(text []byte) (all []netip.AddrPort) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() && len(all) < 3 {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(words[1]); err == nil {
			all = append(all, netip.AddrPortFrom(a, 53))
		}
	}
	return all
}

// exchange asks the servers in turn until one answers.
func (u *upstream) exchange(ctx context.Context, q dnsmessage.Question) (got, error) {
	all, err := u.servers()
	if err != nil {
		return got{}, err
	}
	var failed []error
	for _, server := range all {
		g, err := askServer(ctx, server, q)
		if err == nil && g.code != dnsmessage.RCodeServerFailure && g.code != dnsmessage.RCodeRefused {
			return g, nil
		}
		failed = append(failed, fmt.Errorf("asking %s: code %d: %w", server, g.code, err))
	}
	return got{}, errors.Join(failed...)
}

// askServer asks by UDP, and again by TCP where the answer is longer.
func askServer(ctx context.Context, server netip.AddrPort, q dnsmessage.Question) (got, error) {
	ctx, stop := context.WithTimeoutCause(ctx, serverLimit, errSlowServers)
	defer stop()
	g, err := askBy(ctx, "udp", server, q)
	if err == nil && g.truncated {
		return askBy(ctx, "tcp", server, q)
	}
	return g, err
}

func askBy(ctx context.Context, network string, server netip.AddrPort, q dnsmessage.Question) (got, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, server.String())
	if err != nil {
		return got{}, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	id := uint16(rand.Uint32()) // seeded by the kernel; each question has a port of its own besides
	query, err := question(id, q)
	if err != nil {
		return got{}, err
	}
	if network == "tcp" {
		return askFramed(conn, query, id, q)
	}
	return askPacket(conn, query, id, q)
}

func askFramed(conn net.Conn, query []byte, id uint16, q dnsmessage.Question) (got, error) {
	if err := writeFramed(conn, query); err != nil {
		return got{}, err
	}
	message, err := readFramed(conn, maxReply)
	if err != nil {
		return got{}, err
	}
	if g, ok := parseReply(message, id, q); ok {
		return g, nil
	}
	return got{}, errors.New("the answer cannot be read")
}

// askPacket waits for the answer that fits: others may be forged.
func askPacket(conn net.Conn, query []byte, id uint16, q dnsmessage.Question) (got, error) {
	if _, err := conn.Write(query); err != nil {
		return got{}, err
	}
	packet := make([]byte, maxReply)
	for {
		n, err := conn.Read(packet)
		if err != nil {
			return got{}, err
		}
		if g, ok := parseReply(packet[:n], id, q); ok {
			return g, nil
		}
	}
}
