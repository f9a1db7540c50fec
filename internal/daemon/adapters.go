package daemon

import (
	"context"
	"io"
	"sync"
	"time"

	"lambent.dev/lambent/internal/blob"
	"lambent.dev/lambent/internal/drivers"
	"lambent.dev/lambent/internal/lambda"
)

// What stands here fits the types of one package to the interface that another consumes.

// zips shows stored packages to package code.
type zips struct{ blob.Store }

func (z zips) Open(ctx context.Context, digest string) (io.ReadSeekCloser, error) {
	return z.Store.Open(ctx, digest)
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
func (t *tiers) Offers(tier lambda.Tier) error { return t.offers(tier, probeFor) }

// Emulates says whether software stands in for the processor there.
func (t *tiers) Emulates(tier lambda.Tier) bool { return t.drivers.Emulates(tier) }

// offersNow is Offers when there is reason to look again.
func (t *tiers) offersNow(tier lambda.Tier) error { return t.offers(tier, time.Second) }

// offers believes what was found in the time past.
func (t *tiers) offers(tier lambda.Tier, past time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f, ok := t.known[tier]; ok && time.Since(f.at) < past {
		return f.err
	}
	ctx, stop := context.WithTimeoutCause(context.Background(), probeLimit, errProbeTookTooLong)
	defer stop()
	_, err := t.drivers.Probe(ctx, tier)
	t.known[tier] = finding{err, time.Now()}
	return err
}
