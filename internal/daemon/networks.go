package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/drivers"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// networks knows which network profiles this host and its configuration offer.
type networks struct {
	drivers  *drivers.Set
	standard lambda.Network // of functions that name none
	own      []uint16       // ports of this server, which no function may be shown

	mu    sync.Mutex // guards known
	known map[profile]finding
}

type profile struct {
	tier    lambda.Tier
	network lambda.Network
}

// newNetworks decides the profile of functions that name none: the configured one, without
// which the server does not start, or else egress where this host gives it, or none.
func newNetworks(ctx context.Context, set *drivers.Set, cfg config.Config, log *slog.Logger) (*networks, error) {
	n := &networks{drivers: set, own: ports(cfg.Listen, cfg.Admin), known: map[profile]finding{}}
	n.standard = lambda.Network(cfg.Network.Profile)
	if n.standard == lambda.NetworkNone {
		return n, nil
	}
	asked := n.standard != ""
	if !asked {
		n.standard = lambda.NetworkEgress
	}
	_, err := set.ProbeNetwork(ctx, lambda.TierLight, n.standard)
	if err != nil && asked {
		return nil, fmt.Errorf("network %s: %w\n`lambent doctor` says more; profile under [network] chooses another", n.standard, err)
	}
	if err != nil {
		log.Info("functions that name no network get none: nothing outside", "why", err)
		n.standard = lambda.NetworkNone
	}
	return n, nil
}

// ports are those of addresses that config.Validate has checked.
func ports(addresses ...string) (all []uint16) {
	for _, a := range addresses {
		if at, err := netip.ParseAddrPort(a); err == nil {
			all = append(all, at.Port())
		}
	}
	return all
}

var errOwnService = errors.New("this is Lambent itself, which would obey the function as if it were its owner; a function calls Lambda's API at AWS_ENDPOINT_URL_LAMBDA")

// Offers returns nil if sandboxes of a tier can have a profile and what is opened beside it,
// else an error that says what is missing.
func (n *networks) Offers(tier lambda.Tier, network lambda.Network, r lambda.Reach) error {
	for _, at := range r.Host {
		if slices.Contains(n.own, at.Port()) {
			return fmt.Errorf("%s: %w", at, errOwnService)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	key := profile{tier, network}
	if f, ok := n.known[key]; ok && time.Since(f.at) < probeFor {
		return f.err
	}
	ctx, stop := context.WithTimeoutCause(context.Background(), probeLimit, errProbeTookTooLong)
	defer stop()
	_, err := n.drivers.ProbeNetwork(ctx, tier, network)
	if errors.Is(err, sandbox.ErrUnavailable) {
		err = fmt.Errorf("%w (`lambent doctor` says more)", err)
	}
	n.known[key] = finding{err, time.Now()}
	return err
}

// dialHost connects to a service on the host's loopback.
func (n *networks) dialHost(ctx context.Context, at netip.AddrPort) (net.Conn, error) {
	if slices.Contains(n.own, at.Port()) { // the server may have had another port when it was tagged
		return nil, fmt.Errorf("%s: %w", at, errOwnService)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", at.String())
}
