// Package egress gives sandboxes a way out, and nothing else: addresses on the internet by
// NAT, names by a resolver of its own, and what a function's tags open or close.
//
// # How
//
// All links of sandboxes end in one network namespace, the hub. It belongs to this process
// and is gone with it. One more link, the uplink, goes from the hub to the host:
//
//	sandbox eth0 ── b1 ┐
//	sandbox eth0 ── b2 ├ hub: filter, NAT, resolver ── up ── lambent0: host: filter, NAT ── eth0
//	sandbox eth0 ── b3 ┘
//
// A machine's end of its link is a file (Tap), or a device that its monitor opens by name
// (NamedTap). Each sandbox has a link of its own, with two addresses of a range that nobody outside of
// the hub ever sees. So there is no wire that sandboxes share, and no name, address or route
// of the host that theirs could collide with, but the uplink's own two.
//
// The hub decides: no other sandbox, no private network, no metadata service, no more
// connections at once than maxConnections, and what tags say (Restrict). The host decides
// what only it knows: nothing that comes from the hub reaches an address of the host itself,
// whatever addresses it has now. Its rules are one nftables table, lambent-OWNER, which the
// kernel itself keeps from other programs and removes when this process ends (the flag
// "owner", Linux 5.12): a host firewall that flushes everything does not open it.
//
// IPv6 is switched off on all of these links.
//
// # What it is not
//
// It switches no forwarding on and changes no rule of anybody else: Checks say what a person
// has to do. It knows no functions and no drivers; sandboxes' own loopback is the drivers'.
package egress
