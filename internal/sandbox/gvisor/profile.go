package gvisor

import (
	"fmt"
	"os"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/lambda"
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
// own with the address, and the interface, of its network namespace.
func (b *box) networkOfRunsc() string {
	if b.link == nil {
		return "none"
	}
	return "sandbox"
}

// networkNamespace is that of the box, for runsc; it is named by this process's descriptor.
// Without one runsc makes an empty one.
func (b *box) networkNamespace() []specNamespace {
	if b.link == nil {
		return nil
	}
	return []specNamespace{{Type: "network", Path: fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), b.link.NS.Fd())}}
}

// resolvConf is what boxes find in /etc/resolv.conf.
func (t *template) resolvConf() string {
	if t.base.Network == lambda.NetworkEgress {
		return egress.ResolvConf
	}
	return ""
}
