package drivers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// ProbeNetwork says whether this host can give sandboxes of a tier a network profile; an error
// wraps sandbox.ErrUnavailable, or says what the configuration lacks.
func (s *Set) ProbeNetwork(ctx context.Context, tier lambda.Tier, n lambda.Network) ([]sandbox.Check, error) {
	if tier == lambda.TierProcess {
		return nil, onlyHost(n)
	}
	switch n {
	case lambda.NetworkEgress:
		checks := s.outside.checks(ctx, tier)
		return checks, missing(checks)
	case lambda.NetworkHost:
		return nil, s.hostNetwork(tier)
	}
	return nil, nil
}

// onlyHost refuses profiles that nothing would hold.
func onlyHost(n lambda.Network) error {
	if n == lambda.NetworkHost {
		return nil
	}
	return fmt.Errorf("the isolation process shares the host's network: it has no profile but host")
}

var errHostNetworkOff = errors.New("this server's configuration does not allow it: set allow-host = true under [network] there")

func (s *Set) hostNetwork(tier lambda.Tier) error {
	if !s.options.HostNetwork {
		return errHostNetworkOff
	}
	if tier != lambda.TierLight {
		return fmt.Errorf("the isolation %s keeps its own network stack: use light, or egress with the tag %s", tier, lambda.AllowTag)
	}
	return nil
}

// missing is nil, or says all that is required and not there.
func missing(checks []sandbox.Check) error {
	var lacks []string
	for _, c := range checks {
		if c.Required && !c.OK {
			lacks = append(lacks, fmt.Sprintf("%s (found: %s): %s", c.Name, c.Found, c.Fix))
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return fmt.Errorf("network egress is %w: %s", sandbox.ErrUnavailable, strings.Join(lacks, "; "))
}
