package light

import (
	"context"
	"errors"
	"net"
	"os"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// offers says whether boxes can have a network profile.
func (d *Driver) offers(n sandbox.Network) bool {
	switch n {
	case lambda.NetworkNone:
		return true
	case lambda.NetworkEgress:
		return d.options.Egress != nil
	case lambda.NetworkHost:
		return d.options.HostNetwork
	}
	return false
}

// reserveNetwork takes the box's network, which waits; the profile host has none.
func (b *box) reserveNetwork(ctx context.Context, undo *cleanup.Stack) (err error) {
	switch a := b.template.ahead; {
	case b.template.base.Network == lambda.NetworkEgress:
		if b.link, err = a.links.take(ctx); err != nil {
			return err
		}
		undo.Add(b.link.Close)
		b.network = b.link.NS
	case b.template.base.Network == lambda.NetworkNone && a.nets != nil:
		if b.network, err = a.nets.take(ctx); err != nil {
			return err
		}
		undo.Add(b.network.Close)
	}
	return nil
}

// resolvConfOf is what boxes of a profile find in /etc/resolv.conf.
func resolvConfOf(n sandbox.Network) (string, error) {
	switch n {
	case lambda.NetworkEgress:
		return egress.ResolvConf, nil
	case lambda.NetworkHost:
		text, err := os.ReadFile("/etc/resolv.conf")
		if errors.Is(err, os.ErrNotExist) {
			return "", nil
		}
		return string(text), err
	}
	return "", nil
}

// freePort asks for any port where all boxes share the host's.
func freePort(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return net.JoinHostPort(host, "0")
}
