package router

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
)

// Snapshot has the first instance of a published version with SnapStart initialised and
// waits for it; the version must be in the directory. It cannot be invoked yet: that is a
// change of its state. A *lambda.InitFailure in the error says that the function could not be initialised.
func (r *Router) Snapshot(ctx context.Context, f *lambda.Function, version string) error {
	t, err := r.snapshotTarget(f, version)
	if err != nil || !t.SnapStarts() || t.Refused != nil {
		return err
	}
	return r.pool.Snapshot(ctx, t)
}

// snapshotTarget makes a version known to the pool.
func (r *Router) snapshotTarget(f *lambda.Function, version string) (*lambda.Target, error) {
	settings, err := r.settingsOf(*f)
	if err != nil {
		return nil, err
	}
	v := f.Find(version)
	if v == nil {
		return nil, notFound(f.ID, version)
	}
	r.changes.Lock()
	defer r.changes.Unlock()
	e := r.directory.get(f.ID)
	if e == nil || e.find(version) == nil {
		return nil, notFound(f.ID, version)
	}
	if !e.known {
		e.known = true
		r.permits.Assign(f.ID, allocation(f))
		r.pool.Keep(f.ID, e.names(f, settings)...)
	}
	return e.held(f, e.find(version), settings), nil
}

// snapshots are the versions of which initialised instances are to wait.
func (e *entry) snapshots(f *lambda.Function, s settings) []*lambda.Target {
	var all []*lambda.Target
	for i := range f.Published {
		v := &f.Published[i]
		if !v.Optimized() {
			continue
		}
		if t := e.held(f, e.find(v.Version), s); t.SnapStarts() && t.Refused == nil {
			all = append(all, t)
		}
	}
	return all
}

// held is the configuration of a release, which stays as long as an instance has it.
func (e *entry) held(f *lambda.Function, v *release, s settings) *lambda.Target {
	t := v.target()
	if t == nil {
		t = target(f, f.Find(v.version), s)
		v.use(t)
	}
	return t
}

// snapStarts reports whether a function has something for the pool to initialise ahead.
func snapStarts(f *lambda.Function) bool {
	for i := range f.Published {
		if f.Published[i].Optimized() {
			return true
		}
	}
	return false
}
