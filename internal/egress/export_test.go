package egress

import "errors"

// Unguard takes the rules away, all of them, and leaves the links.
func (g *Gateway) Unguard() error {
	return errors.Join(g.hub.rules.close(), g.hub.guard.close())
}
