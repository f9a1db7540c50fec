package egress

import (
	"fmt"
	"os"
	"strings"

	"github.com/google/nftables"

	"lambent.dev/lambent/internal/kernel/netns"
)

// Supported says whether this kernel has what a gateway is made of. It tries in a network
// namespace of its own.
func Supported() error {
	ns, err := netns.New()
	if err != nil {
		return err
	}
	defer func() { _ = ns.Close() }()
	up := uplinkNumber(0)
	guard, err := guardHost(ns, "trial", &up)
	if err != nil {
		return fmt.Errorf("nf_tables: %w", err)
	}
	return guard.close()
}

// forwards says whether the calling thread's network forwards IPv4.
func forwards() (bool, error) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	return strings.TrimSpace(string(text)) == "1", err
}

// closedForward names the chains at the hook forward that drop what no rule of theirs
// accepts, as Docker's does.
func closedForward() (names []string, err error) {
	c, err := nftables.New()
	if err != nil {
		return nil, err
	}
	all, err := c.ListChains()
	if err != nil {
		return nil, err
	}
	for _, chain := range all {
		if chain.Hooknum == nil || *chain.Hooknum != *nftables.ChainHookForward || chain.Policy == nil {
			continue
		}
		if *chain.Policy == nftables.ChainPolicyDrop && !strings.HasPrefix(chain.Table.Name, tablePrefix) {
			names = append(names, chain.Table.Name+" "+chain.Name)
		}
	}
	return names, nil
}
