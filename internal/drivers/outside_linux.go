package drivers

import (
	"context"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// outside is what the drivers' sandboxes reach the network through.
type outside struct{ gateway *egress.Gateway }

func newOutside(o Options) outside {
	return outside{egress.New(egress.Options{Owner: o.Owner, Servers: o.Resolvers, Log: o.Log})}
}

func (o outside) close() error { return o.gateway.Close() }

func (o outside) reap(alive func(string) bool) error { return egress.Reap(alive) }

// checks say what the profile egress of a tier needs of this host.
func (o outside) checks(ctx context.Context, tier lambda.Tier) (all []sandbox.Check) {
	all = egress.Checks(ctx)
	if tier == lambda.TierMicroVM {
		all = append(all, egress.CheckTap())
	}
	return all
}
