package drivers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/process"
)

// Options are what the drivers need of their surroundings.
type Options struct {
	Init         string   // path of lambent-init
	Agent        string   // path of lambent-agent
	Runsc        []string // where runsc is looked for, in order
	Guests       []string // where the kernel and images of microVMs are looked for, in order
	Owner        string   // names what belongs to this server on the host: letters, digits, '-'
	Dir          string   // folder for the drivers' own state
	IDs          string   // of users and groups on the host, for sandboxes of light: FIRST-LAST; "" = its own choice
	Monitor      string   // of microVMs: auto, qemu or firecracker; "" = auto
	AllowProcess bool     // offer the tier that does not isolate
	HostNetwork  bool     // offer the network profile host
	// Resolvers are asked for names by sandboxes with the profile egress; none = the host's.
	Resolvers []netip.AddrPort
	// Preload says what sandbox.Base.Preload names. nil = nothing can be preloaded.
	Preload func(name string) (sandbox.Preload, error)
	Log     *slog.Logger
}

// Set holds one driver per tier.
type Set struct {
	drivers []Entry
	outside outside
	options Options
}

// Entry is a driver and the tier that it gives.
type Entry struct {
	Tier   lambda.Tier
	Driver sandbox.Driver
}

// New puts the drivers together, weakest tier first. It touches nothing on the host.
func New(o Options) (*Set, error) {
	weak := process.New(process.Options{Owner: o.Owner, Dir: filepath.Join(o.Dir, "process"), Allow: o.AllowProcess, Log: o.Log})
	out := newOutside(o)
	strong, err := isolating(o, out)
	if err != nil {
		return nil, err
	}
	return &Set{drivers: append([]Entry{{lambda.TierProcess, weak}}, strong...), outside: out, options: o}, nil
}

// Entries lists the drivers, weakest tier first.
func (s *Set) Entries() []Entry { return s.drivers }

// Driver returns the driver of a tier.
func (s *Set) Driver(tier lambda.Tier) (sandbox.Driver, error) {
	for _, e := range s.drivers {
		if e.Tier == tier {
			return e.Driver, nil
		}
	}
	return nil, fmt.Errorf("isolation %s: this version of Lambent has no driver for it: %w", tier, sandbox.ErrUnavailable)
}

// Emulates says whether software stands in for the processor in boxes of a tier on this host.
func (s *Set) Emulates(tier lambda.Tier) bool {
	d, err := s.Driver(tier)
	if err != nil {
		return false
	}
	e, ok := d.(sandbox.Emulator)
	return ok && e.Emulates()
}

// Probe says whether this host can give a tier.
func (s *Set) Probe(ctx context.Context, tier lambda.Tier) (sandbox.Features, error) {
	d, err := s.Driver(tier)
	if err != nil {
		return sandbox.Features{}, err
	}
	return d.Probe(ctx)
}

// Reap destroys what dead owners left on the host, for every driver that the host has.
func (s *Set) Reap(ctx context.Context, alive func(owner string) bool) error {
	var failed []error
	for _, e := range s.drivers {
		if err := e.Driver.Reap(ctx, alive); err != nil && !errors.Is(err, sandbox.ErrUnavailable) {
			failed = append(failed, fmt.Errorf("reaping %s sandboxes: %w", e.Tier, err))
		}
	}
	return errors.Join(append(failed, s.outside.reap(alive))...)
}

// Close frees what the drivers themselves hold on the host. Call it when all templates and
// sandboxes are closed.
func (s *Set) Close() error {
	var failed []error
	for _, e := range s.drivers {
		if c, ok := e.Driver.(io.Closer); ok {
			failed = append(failed, c.Close())
		}
	}
	return errors.Join(append(failed, s.outside.close())...)
}
