package drivers

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/singleflight"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// Templates prepares every base once and keeps its template until Close.
type Templates struct {
	set     *Set
	prepare singleflight.Group

	// mu guards ready and closed.
	mu     sync.Mutex
	ready  map[templateKey]sandbox.Template
	closed bool
}

type templateKey struct {
	tier lambda.Tier
	base sandbox.Base
}

// NewTemplates returns an empty store of templates made by the drivers of set.
func NewTemplates(set *Set) *Templates {
	return &Templates{set: set, ready: map[templateKey]sandbox.Template{}}
}

// Get returns the template of a base, preparing it if this is the first request for it.
func (t *Templates) Get(ctx context.Context, tier lambda.Tier, base sandbox.Base) (sandbox.Template, error) {
	key := templateKey{tier, base}
	if found, err := t.lookup(key); found != nil || err != nil {
		return found, err
	}
	// The work outlives a caller that leaves: the next one wants the same template.
	made, err, _ := t.prepare.Do(fmt.Sprintf("%+v", key), func() (any, error) {
		return t.make(context.WithoutCancel(ctx), key)
	})
	if err != nil {
		return nil, err
	}
	return made.(sandbox.Template), nil
}

func (t *Templates) lookup(key templateKey) (sandbox.Template, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, fmt.Errorf("templates: %w", sandbox.ErrClosed)
	}
	return t.ready[key], nil
}

func (t *Templates) make(ctx context.Context, key templateKey) (sandbox.Template, error) {
	if found, err := t.lookup(key); found != nil || err != nil {
		return found, err
	}
	d, err := t.set.Driver(key.tier)
	if err != nil {
		return nil, err
	}
	made, err := d.Prepare(ctx, key.base)
	if err != nil {
		return nil, fmt.Errorf("preparing a %s base: %w", key.tier, err)
	}
	return t.keep(key, made)
}

func (t *Templates) keep(key templateKey, made sandbox.Template) (sandbox.Template, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, errors.Join(fmt.Errorf("templates: %w", sandbox.ErrClosed), made.Close())
	}
	t.ready[key] = made
	return made, nil
}

// Close frees all templates. Later calls of Get answer an error that wraps sandbox.ErrClosed.
func (t *Templates) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	var failed []error
	for _, made := range t.ready {
		failed = append(failed, made.Close())
	}
	clear(t.ready)
	return errors.Join(failed...)
}
