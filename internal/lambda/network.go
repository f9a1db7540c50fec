package lambda

import "fmt"

// NetworkTag is the tag that sets a function's network profile.
const NetworkTag = "lambent:network"

// Network is a profile: what of the network the sandboxes of a function reach.
type Network string

// The profiles.
const (
	NetworkNone   Network = "none"   // a loopback of its own, with calls home
	NetworkEgress Network = "egress" // the internet besides: no host, no private network, no neighbour
	NetworkHost   Network = "host"   // the host's own network, where the server's configuration allows it
)

// ParseNetwork reads the name of a profile.
func ParseNetwork(name string) (Network, error) {
	switch n := Network(name); n {
	case NetworkNone, NetworkEgress, NetworkHost:
		return n, nil
	}
	return "", fmt.Errorf("unknown network %q: use none, egress or host", name)
}

// Settle puts the tier that was chosen into the settings, and fills in the network where the
// tags leave it to the server. The tier process has no network of its own to give.
func (s *Settings) Settle(t Tier, n Network) {
	s.Tier = t
	if s.Network == "" && s.Tier == TierProcess {
		s.Network = NetworkHost
	}
	if s.Network == "" {
		s.Network = n
	}
}

// Reach is what the tags open and close. Preconditions: the settings were parsed.
func (s *Settings) Reach() Reach {
	r, err := ParseReach(s.Allow, s.Only)
	if err != nil { // it was checked
		return Reach{Only: true}
	}
	return r
}

// Fits says whether the settled profile can have what the other tags ask for.
func (s *Settings) Fits() error {
	r := s.Reach()
	switch {
	case s.Network == NetworkNone && r.Outside():
		return fmt.Errorf("the network none reaches nothing outside: of %s it can have 127.0.0.1 with a port, and no %s; set %s=egress", AllowTag, OnlyTag, NetworkTag)
	case s.Network == NetworkHost && !r.Empty():
		return fmt.Errorf("the network host has no limits: remove %s and %s", AllowTag, OnlyTag)
	}
	return nil
}

func checkReach(allow, only string) error {
	_, err := ParseReach(allow, only)
	return err
}
