package egress

import (
	"errors"
	"os"
)

// Unguard takes the rules away, all of them, and leaves the links.
func (g *Gateway) Unguard() error {
	return errors.Join(g.hub.rules.close(), g.hub.guard.close())
}

// Hub is the network namespace in which all links end.
func (g *Gateway) Hub() *os.File { return g.hub.ns }
