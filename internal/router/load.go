package router

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
)

// Source reads a function whole; found is false for one that is not there.
type Source func(ctx context.Context, id lambda.FunctionID) (fn lambda.Function, found bool, err error)

// load reads the configuration of a function that nobody uses, once for all who want it,
// and makes it known to pool and permits. It returns nil if the function has changed
// meanwhile.
func (r *Router) load(ctx context.Context, id lambda.FunctionID, e *entry, v *release) (*lambda.Target, error) {
	e.loading.Lock()
	defer e.loading.Unlock()
	if t := v.target(); t != nil {
		return t, nil
	}
	fn, found, err := r.settings.Source(ctx, id)
	if err != nil {
		return nil, unreadable(err)
	}
	r.changes.Lock()
	defer r.changes.Unlock()
	switch {
	case r.directory.get(id) != e:
		return nil, nil
	case !found: // it is being deleted
		return nil, notFound(id, qualifierOf(v))
	}
	settings, err := r.settingsOf(fn)
	if err != nil {
		return nil, unreadable(err)
	}
	if !e.known {
		e.known = true
		r.permits.Assign(id, allocation(&fn))
		r.pool.Keep(id, e.names(&fn, settings)...)
	}
	return v.fill(&fn, settings)
}

// Latest is what $LATEST of a function is to run, without a look at the directory. The
// error is Lambda's for one that cannot be invoked in its state.
func (r *Router) Latest(f *lambda.Function) (*lambda.Target, error) {
	settings, err := r.settingsOf(*f)
	if err != nil {
		return nil, err
	}
	return target(f, f.Runs(), settings), invocable(f.Runs().State)
}

// fill gives a release its configuration. The store may be ahead of the directory: then
// what it has is what the caller gets, and the directory hears of it next.
func (v *release) fill(fn *lambda.Function, s settings) (*lambda.Target, error) {
	stored := fn.Runs()
	if v.version != lambda.Latest {
		stored = fn.Find(v.version)
	}
	if stored == nil {
		return nil, notFound(fn.ID, qualifierOf(v))
	}
	t := target(fn, stored, s)
	if stored.Generation == v.generation {
		v.use(t)
	}
	return t, invocable(stored.State)
}

// qualifierOf names a release as most callers do.
func qualifierOf(v *release) string {
	if v.version == lambda.Latest {
		return ""
	}
	return v.version
}

func unreadable(cause error) error {
	return lambda.NewError(lambda.ErrService, "The function's configuration could not be read. Try again; Lambent's log says why.").WithCause(cause)
}
