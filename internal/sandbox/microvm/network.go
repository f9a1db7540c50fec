package microvm

import (
	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

// offers says whether guests can have a network profile.
func (d *Driver) offers(n sandbox.Network) bool {
	return n == lambda.NetworkNone || n == lambda.NetworkEgress && d.options.Egress != nil
}

// outside says whether guests have a network device.
func (t *template) outside() bool { return t.base.Network == lambda.NetworkEgress }

// reserveLink takes the guest's link to the outside, where the profile has one. A guest that
// boots has one, too, in which nothing is configured: those that go on from it find the device.
func (b *box) reserveLink(h *hardware, undo *cleanup.Stack) (err error) {
	if !b.template.outside() {
		return nil
	}
	if b.link, err = b.template.newLink(); err != nil {
		return err
	}
	undo.Add(b.link.Close)
	h.link = b.link
	return nil
}

// newLink makes one whose tap is handed to the monitor, or which it opens by name, as all else.
func (t *template) newLink() (*egress.Link, error) {
	gateway := t.driver.options.Egress
	if t.vmm.named() {
		return gateway.NamedTap(monitorID)
	}
	return gateway.Tap()
}

// network is what a guest is told of its link; nil without one.
func (b *box) network() *agentproto.Network {
	if b.link == nil {
		return nil
	}
	return &agentproto.Network{Address: b.link.Address.String(), Gateway: b.link.Gateway.String()}
}

// resolvConf is what guests find in /etc/resolv.conf.
func (t *template) resolvConf() string {
	if t.outside() {
		return egress.ResolvConf
	}
	return ""
}
