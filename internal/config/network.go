package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// Servers are the name servers; none = the host's. Preconditions: the settings are valid.
func (n *Network) Servers() []netip.AddrPort {
	all, _ := parseServers(n.Resolvers)
	return all
}

// parseServers reads addresses with or without a port, which is 53 then.
func parseServers(list string) (all []netip.AddrPort, err error) {
	for item := range strings.FieldsSeq(list) {
		at, err := netip.ParseAddrPort(item)
		if err != nil {
			a, err := netip.ParseAddr(item)
			if err != nil {
				return nil, fmt.Errorf("%q is not an address such as 192.0.2.53", item)
			}
			at = netip.AddrPortFrom(a, 53)
		}
		all = append(all, at)
	}
	return all, nil
}

func (n *Network) validate() error {
	var wrong []error
	if _, err := parseServers(n.Resolvers); err != nil {
		wrong = append(wrong, fmt.Errorf("network.resolvers: %w", err))
	}
	if n.Profile == "" {
		return errors.Join(wrong...)
	}
	profile, err := lambda.ParseNetwork(n.Profile)
	if err != nil {
		wrong = append(wrong, fmt.Errorf("network.profile: %w", err))
	}
	if profile == lambda.NetworkHost && !n.AllowHost {
		wrong = append(wrong, errors.New("network.profile: is host, which network.allow-host must allow"))
	}
	return errors.Join(wrong...)
}
