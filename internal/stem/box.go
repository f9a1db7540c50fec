package stem

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/sandbox"
)

// closeLimit bounds the freeing of one stem.
const closeLimit = 10 * time.Second

// Box is a generic sandbox and its name. Whoever takes it closes it.
type Box struct {
	Sandbox sandbox.Sandbox
	ID      string
	Kind    receipt.StartKind // Stem, Box, Fork or Cold

	early  map[string]net.Listener // opened ahead
	memory int64                   // bytes it used when it was made
}

// Listen is Sandbox.Listen, which for the addresses of Deps was done ahead. A listener is
// handed out once.
func (b *Box) Listen(ctx context.Context, addr string) (net.Listener, error) {
	if l, ok := b.early[addr]; ok {
		delete(b.early, addr)
		return l, nil
	}
	return b.Sandbox.Listen(ctx, addr)
}

// Close frees the sandbox, and with it listeners that nobody took.
func (b *Box) Close(ctx context.Context) error { return b.Sandbox.Close(ctx) }

// alive says whether the sandbox may still be taken.
func (b *Box) alive() bool {
	select {
	case <-b.Sandbox.Done():
		return false
	default:
		return true
	}
}

// newID names a sandbox of an owner.
func newID(owner string) string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return owner + "-" + hex.EncodeToString(b)
}

// create makes a box while its taker waits.
func (s *Store) create(ctx context.Context, t sandbox.Template) (*Box, error) {
	b := &Box{ID: newID(s.deps.Owner), Kind: receipt.Cold}
	if f, ok := t.(sandbox.Forker); ok && f.Forks() {
		b.Kind = receipt.Fork
	}
	var err error
	b.Sandbox, err = t.Create(ctx, b.ID)
	return b, err
}

// make makes a stem, for which nobody waits.
func (s *Store) make(ctx context.Context, t sandbox.Template) (_ *Box, err error) {
	b := &Box{ID: newID(s.deps.Owner), Kind: receipt.Stem, early: map[string]net.Listener{}}
	make := t.Create
	if quiet, ok := t.(sandbox.Background); ok {
		make = quiet.CreateInBackground
	}
	if b.Sandbox, err = make(ctx, b.ID); err != nil {
		return nil, err
	}
	if err := s.equip(ctx, b); err != nil {
		limit, stop := cleanup.Context(ctx, closeLimit)
		defer stop()
		return nil, errors.Join(err, b.Close(limit))
	}
	return b, nil
}

// equip opens listeners, measures, and has the box rest.
func (s *Store) equip(ctx context.Context, b *Box) (err error) {
	for _, addr := range s.deps.Addresses {
		if b.early[addr], err = b.Sandbox.Listen(ctx, addr); err != nil {
			return err
		}
	}
	usage, err := b.Sandbox.Usage(ctx)
	b.memory = usage.Memory
	if r, ok := b.Sandbox.(sandbox.Rester); ok && err == nil {
		err = r.Rest(ctx)
	}
	return err
}
