package daemon

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"lambent.dev/lambent/internal/blob"
	"lambent.dev/lambent/internal/drivers"
	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/router"
	"lambent.dev/lambent/internal/runtimes"
)

// What stands here fits the types of one package to the interface that another consumes.

// zips shows stored packages to package code.
type zips struct{ blob.Store }

func (z zips) Open(ctx context.Context, digest string) (io.ReadSeekCloser, error) {
	return z.Store.Open(ctx, digest)
}

// packages shows the blob store to package lambdaapi.
type packages struct{ blob.Store }

func (p packages) Put(ctx context.Context, r io.Reader, limit int64) (string, int64, error) {
	info, err := p.Store.Put(ctx, r, limit)
	return info.Digest, info.Size, err
}

func (p packages) Open(ctx context.Context, digest string) (io.ReadCloser, error) {
	return p.Store.Open(ctx, digest)
}

// host shows the catalogue of runtimes to package lambdaapi.
type host struct{ *runtimes.Catalogue }

// Known reports whether AWS has the identifier.
func (h host) Known(id string) bool { return runtimes.Known(id) }

func (h host) Check(_ context.Context, v *lambda.Version) error {
	_, err := h.Resolve(v)
	return err
}

// directory shows the router to package lambdaapi. A function that the router cannot
// resolve was stored by a server with other rules: it stays unknown and the log says so.
type directory struct {
	*router.Router
	log *slog.Logger
}

func (d directory) Put(fn lambda.Function) {
	if err := d.Router.Put(fn); err != nil {
		d.log.Error("leaving out a function", "function", fn.ID.ARN(), "error", err)
	}
}

// starter gives instances to the pool.
type starter struct{ *instance.Launcher }

func (s starter) Start(ctx context.Context, t *lambda.Target) (pool.Instance, error) {
	return s.Launcher.Start(ctx, t)
}

// probeFor is how long what a host offers is believed without looking again.
const probeFor = 10 * time.Second

// tiers remembers for a moment what the drivers found out about the host.
type tiers struct {
	drivers *drivers.Set

	// mu guards known.
	mu    sync.Mutex
	known map[lambda.Tier]finding
}

type finding struct {
	err error
	at  time.Time
}

func newTiers(set *drivers.Set) *tiers {
	return &tiers{drivers: set, known: map[lambda.Tier]finding{}}
}

// Offers returns nil if the host can give the tier, else an error that says what is missing.
func (t *tiers) Offers(tier lambda.Tier) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f, ok := t.known[tier]; ok && time.Since(f.at) < probeFor {
		return f.err
	}
	ctx, stop := context.WithTimeoutCause(context.Background(), closeLimit, errProbeTookTooLong)
	defer stop()
	_, err := t.drivers.Probe(ctx, tier)
	t.known[tier] = finding{err, time.Now()}
	return err
}
