package collect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Defaults of Settings.
const (
	DefaultEvery = 10 * time.Minute
	DefaultAge   = 10 * time.Minute
)

// Shelf keeps things by digest: a blob.Store, a code.Packages.
type Shelf interface {
	// Digests names all that it has.
	Digests(ctx context.Context) ([]string, error)
	// DeleteOlder removes one that was not put or handed out since a time, and says
	// whether it did. It is atomic against both.
	DeleteOlder(ctx context.Context, digest string, than time.Time) (bool, error)
}

// Settings are what a Collector needs. All but the times must be set.
type Settings struct {
	Shelves map[string]Shelf // by what they hold, for the log
	// Users yields every digest that something stored names. An error means that it is
	// not known: then nothing is removed.
	Users func(ctx context.Context, yield func(digest string)) error
	// Shown says whether an instance shows this digest.
	Shown func(digest string) bool
	Log   *slog.Logger

	Every time.Duration // between two rounds; 0 = DefaultEvery
	Age   time.Duration // what was put or handed out less long ago stays; 0 = DefaultAge
}

// Collector removes what is unused. One goroutine uses it at a time.
type Collector struct {
	settings Settings
	// last are the digests that something stored named in the last round. One that lost
	// its last user since then may have requests under way that have not begun to start
	// an instance: it stays for one more round.
	last set
}

// New returns a collector that has not looked yet.
func New(s Settings) *Collector {
	if s.Every == 0 {
		s.Every = DefaultEvery
	}
	if s.Age == 0 {
		s.Age = DefaultAge
	}
	return &Collector{settings: s, last: set{}}
}

// Used notes a digest that is in use before the first round. That round is the only one
// without a last one: it takes what is noted for it.
func (c *Collector) Used(digest string) { c.last.add(digest) }

// Run removes what is unused now and then until ctx ends.
func (c *Collector) Run(ctx context.Context) {
	next := time.NewTicker(c.settings.Every)
	defer next.Stop()
	for {
		removed, err := c.Round(ctx)
		if err != nil && ctx.Err() == nil {
			c.settings.Log.Warn("removing unused packages", "error", err)
		}
		if removed > 0 {
			c.settings.Log.Info("removed unused packages", "count", removed)
		}
		select {
		case <-next.C:
		case <-ctx.Done():
			return
		}
	}
}

// Round looks once at everything. What cannot be removed does not keep it from the rest.
func (c *Collector) Round(ctx context.Context) (removed int, err error) {
	found, err := c.list(ctx) // before the users: what is put later is not looked at
	if err != nil {
		return 0, err
	}
	now := set{}
	if err := c.settings.Users(ctx, now.add); err != nil {
		return 0, fmt.Errorf("reading what is in use: %w", err)
	}
	var failed []error
	for name, digests := range found {
		n, err := c.clear(ctx, c.settings.Shelves[name], digests, now)
		removed += n
		if err != nil {
			failed = append(failed, fmt.Errorf("removing %s: %w", name, err))
		}
	}
	c.last = now
	return removed, errors.Join(failed...)
}

func (c *Collector) list(ctx context.Context) (map[string][]string, error) {
	found := map[string][]string{}
	for name, shelf := range c.settings.Shelves {
		digests, err := shelf.Digests(ctx)
		if err != nil {
			return nil, err
		}
		found[name] = digests
	}
	return found, nil
}

// clear removes from one shelf what had no user, neither now nor in the last round.
func (c *Collector) clear(ctx context.Context, shelf Shelf, digests []string, now set) (removed int, err error) {
	than := time.Now().Add(-c.settings.Age)
	var failed []error
	for _, digest := range digests {
		if now.has(digest) || c.last.has(digest) || c.settings.Shown(digest) {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return removed, err
		}
		gone, err := shelf.DeleteOlder(ctx, digest, than)
		if gone {
			removed++
		}
		failed = append(failed, err)
	}
	return removed, errors.Join(failed...)
}
