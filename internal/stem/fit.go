package stem

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/sandbox"
)

// bareBed returns the bed of the bare boxes that a template's sandboxes can be made of; nil
// where none is kept.
func (s *Store) bareBed(tier lambda.Tier, t sandbox.Template) *bed {
	f, ok := t.(sandbox.Fitter)
	if !ok {
		return nil
	}
	return s.bed(key{tier: tier, base: f.Bare(), bare: true})
}

// fit makes a template's sandbox of a bare box that waits; nil = there is none, or it does not
// take one.
func (s *Store) fit(ctx context.Context, tier lambda.Tier, t sandbox.Template) *Box {
	b := s.bareBed(tier, t)
	if b == nil {
		return nil
	}
	box := b.take()
	if box == nil {
		return nil
	}
	if err := t.(sandbox.Fitter).Fit(ctx, box.Sandbox); err != nil {
		b.bury(box)
		s.deps.Log.Warn("a box that waited was of no use", "isolation", tier, "sandbox", box.ID, "error", err)
		return nil
	}
	box.Kind = receipt.Box
	return box
}
