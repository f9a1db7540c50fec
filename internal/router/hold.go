package router

import (
	"slices"
	"weak"

	"lambent.dev/lambent/internal/lambda"
)

// hold is how a release holds its configuration. It is immutable.
//
// An instance keeps the target that it was started with. A change that leaves the
// generation, of a tag perhaps, makes another target for requests to come, which no
// instance keeps yet: it is held for as long as one lives that was started with an earlier.
type hold struct {
	target *lambda.Target              // nil: only as long as others keep it
	weak   weak.Pointer[lambda.Target] // then
	users  []weak.Pointer[lambda.Target]
}

// target returns the configuration, nil if it has to be read.
func (v *release) target() *lambda.Target {
	h := v.hold.Load()
	switch {
	case h == nil:
		return nil
	case h.target == nil:
		return h.weak.Value()
	case len(h.users) > 0 && !slices.ContainsFunc(h.users, inUse):
		v.use(h.target)
	}
	return h.target
}

// use holds the configuration for as long as somebody else does.
func (v *release) use(t *lambda.Target) { v.hold.Store(&hold{weak: weak.Make(t)}) }

// users are the targets of this generation that somebody keeps, perhaps.
func (v *release) users() []weak.Pointer[lambda.Target] {
	h := v.hold.Load()
	if h == nil {
		return nil
	}
	all := slices.Clone(h.users)
	if h.target != nil {
		all = append(all, weak.Make(h.target))
	} else {
		all = append(all, h.weak)
	}
	return slices.DeleteFunc(all, func(w weak.Pointer[lambda.Target]) bool { return !inUse(w) })
}

func inUse(w weak.Pointer[lambda.Target]) bool { return w.Value() != nil }
