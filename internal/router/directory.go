package router

import (
	"fmt"
	"sync"

	"lambent.dev/lambent/internal/lambda"
)

// directory holds what is needed to find and admit the functions that can be invoked.
type directory struct {
	mu        sync.RWMutex // guards what follows
	functions map[lambda.FunctionID]*entry
}

// Put adds a function or replaces its state. When it has returned, no invocation that
// begins meets the old state. $LATEST is what the function serves: while an update is in
// progress, and after one that failed, its last good state. A tag with a bad setting is an error, and the function
// stays as it was: isolation is never guessed.
func (r *Router) Put(f lambda.Function) error {
	settings, err := r.settingsOf(f)
	if err != nil {
		return err
	}
	r.changes.Lock()
	defer r.changes.Unlock()
	e, was := newEntry(&f), r.directory.get(f.ID)
	e.inherit(was, &f, settings)
	if r.settings.Source == nil {
		e.keep(&f, settings)
	}
	// A function that nobody has invoked and that has nothing for itself is the directory's
	// alone: most are idle.
	own := allocation(&f)
	if r.settings.Source == nil || !own.empty() || snapStarts(&f) || was != nil && was.known {
		e.known = true
		r.permits.Assign(f.ID, own)
	}
	r.directory.set(f.ID, e)
	if e.known {
		r.pool.Keep(f.ID, e.names(&f, settings)...)
		r.pool.Provision(f.ID, e.wants(&f, settings)...)
		r.pool.Snapshots(f.ID, e.snapshots(&f, settings)...)
	}
	return nil
}

// Remove forgets a function. What runs ends by itself.
func (r *Router) Remove(id lambda.FunctionID) {
	r.changes.Lock()
	defer r.changes.Unlock()
	r.directory.remove(id)
	r.permits.Forget(id)
	r.pool.Keep(id)
	r.pool.Provision(id)
	r.pool.Snapshots(id)
}

func (r *Router) settingsOf(f lambda.Function) (settings, error) {
	s, err := lambda.ParseSettings(f.Tags)
	if err != nil {
		return settings{}, fmt.Errorf("settings of function %s: %w", f.ID.Name, err)
	}
	rule := r.settings.Isolation
	if own, ok := r.settings.Rules[f.ID.Account]; ok {
		rule = own.Isolation
	}
	return settings{s, rule, r.settings.DefaultNetwork}, nil
}

// settings are a function's, and what its account has for those that say nothing.
type settings struct {
	lambda.Settings
	rule    lambda.Isolation
	network lambda.Network
}

func (d *directory) set(id lambda.FunctionID, e *entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.functions == nil {
		d.functions = map[lambda.FunctionID]*entry{}
	}
	id.Account, id.Region = canonical(id.Account), canonical(id.Region)
	d.functions[id] = e
}

func (d *directory) remove(id lambda.FunctionID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.functions, id)
}

func (d *directory) get(id lambda.FunctionID) *entry {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.functions[id]
}
