package gvisor

import (
	"errors"
	"fmt"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/kernel/netns"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// makeLink makes the box's network where it leads outside.
func (b *box) makeLink(undo *cleanup.Stack) (err error) {
	if b.template.base.Network != lambda.NetworkEgress {
		return nil
	}
	if b.link, err = b.template.driver.options.Egress.Link(); err != nil {
		return err
	}
	undo.Add(b.link.Close)
	return nil
}

// networkOfRunsc is the stack that runsc gives a box: a loopback and nothing outside, or its
// own with the address, and the interface, of the network that it is started in.
func (b *box) networkOfRunsc() string {
	if b.link == nil {
		return "none"
	}
	return "sandbox"
}

// inNetwork runs f on the calling thread, the stage's, in the box's network.
func (b *box) inNetwork(f func() error) (err error) {
	if b.link == nil {
		return f()
	}
	home, err := netns.Current()
	if err != nil {
		return err
	}
	defer func() { _ = home.Close() }()
	if err := netns.Enter(b.link.NS); err != nil {
		return fmt.Errorf("entering the box's network: %w", err)
	}
	defer func() { err = errors.Join(err, netns.Enter(home)) }()
	return f()
}

var errNoLink = errors.New("the sandbox's network leads nowhere: its base is not of the profile egress")

// restrict makes what the workload says of its network hold.
func (b *box) restrict(w sandbox.Workload) error {
	if b.link == nil && w.Reach.Outside() {
		return errNoLink
	}
	if b.link == nil {
		return nil
	}
	return b.link.Restrict(w.Reach)
}

// resolvConf is what boxes find in /etc/resolv.conf.
func (t *template) resolvConf() string {
	if t.base.Network == lambda.NetworkEgress {
		return egress.ResolvConf
	}
	return ""
}
