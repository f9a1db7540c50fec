package drivers

import (
	"fmt"
	"path/filepath"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox/gvisor"
	"lambent.dev/lambent/internal/sandbox/light"
	"lambent.dev/lambent/internal/sandbox/microvm"
)

// isolating lists the drivers that need Linux, weakest tier first. Each owner has a folder of
// its own: two servers use o.Dir while one takes over from the other.
func isolating(o Options, out outside) ([]Entry, error) {
	d, err := light.New(light.Options{Init: o.Init, Owner: o.Owner, Dir: filepath.Join(o.Dir, "light", o.Owner), IDs: o.IDs, Preload: o.Preload, Log: o.Log, Egress: out.gateway, HostNetwork: o.HostNetwork})
	if err != nil {
		return nil, fmt.Errorf("making the light driver: %w", err)
	}
	g, err := gvisor.New(gvisor.Options{Agent: o.Agent, Runsc: o.Runsc, Owner: o.Owner, Dir: filepath.Join(o.Dir, "gvisor"), Preload: o.Preload, Log: o.Log, Egress: out.gateway})
	if err != nil {
		return nil, fmt.Errorf("making the gvisor driver: %w", err)
	}
	filter, err := light.Filter()
	if err != nil {
		return nil, err
	}
	m, err := microvm.New(microvm.Options{Agent: o.Agent, Monitor: microvm.Monitor(o.Monitor), Images: o.Guests, Filter: filter, Owner: o.Owner, Dir: filepath.Join(o.Dir, "microvm"), Preload: o.Preload, Log: o.Log, Egress: out.gateway})
	if err != nil {
		return nil, fmt.Errorf("making the microvm driver: %w", err)
	}
	return []Entry{{lambda.TierLight, d}, {lambda.TierGVisor, g}, {lambda.TierMicroVM, m}}, nil
}
