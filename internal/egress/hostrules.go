package egress

import (
	"os"

	"github.com/google/nftables"
)

// tablePrefix begins the name of the table on the host; the owner follows.
const tablePrefix = "lambent-"

// Priorities: before Docker's and everybody's translation of destinations, which would make an
// address of the host another's, and before everybody's filters. What they drop stays
// dropped: an accept here does not outvote them.
const (
	beforeDNAT   = nftables.ChainPriority(-150)
	beforeFilter = nftables.ChainPriority(-10)
	sourceNAT    = nftables.ChainPriority(100)
)

// guardHost writes the rules of the host: what comes from the hub goes on to others only, and
// what goes to the hub is an answer.
func guardHost(host *os.File, owner string, up *uplink) (*ruler, error) {
	r, err := newRuler(host, tablePrefix+owner)
	if err != nil {
		return nil, err
	}
	arrives := r.chain("arrives", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, beforeDNAT, nftables.ChainPolicyAccept)
	r.rule(arrives, iif(up.name), ipv6(), drop())
	r.rule(arrives, iif(up.name), notFrom(up.hub), drop())
	r.rule(arrives, iif(up.name), state(known), accept())
	r.rule(arrives, iif(up.name), local(), drop())

	input := r.chain("input", nftables.ChainTypeFilter, nftables.ChainHookInput, beforeFilter, nftables.ChainPolicyAccept)
	r.rule(input, iif(up.name), drop())

	forward := r.chain("forward", nftables.ChainTypeFilter, nftables.ChainHookForward, beforeFilter, nftables.ChainPolicyAccept)
	r.rule(forward, oif(up.name), state(known), accept())
	r.rule(forward, oif(up.name), drop())

	output := r.chain("output", nftables.ChainTypeFilter, nftables.ChainHookOutput, beforeFilter, nftables.ChainPolicyAccept)
	r.rule(output, oif(up.name), state(known), accept())
	r.rule(output, oif(up.name), drop())

	leaves := r.chain("leaves", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, sourceNAT, nftables.ChainPolicyAccept)
	r.rule(leaves, notOIF(up.name), ipv4(), from(single(up.hub)), masquerade())
	return r.finish()
}
