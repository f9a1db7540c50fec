package router

import (
	"fmt"
	"sync"

	"lambent.dev/lambent/internal/lambda"
)

// directory holds the functions that can be invoked.
type directory struct {
	mu        sync.RWMutex // guards what follows
	functions map[lambda.FunctionID]*entry
}

// entry is one state of a function. It is immutable: a change makes another one.
type entry struct {
	latest    *lambda.Target
	published map[string]*lambda.Target // by number
	aliases   map[string]*split
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
	e := newEntry(f, settings)
	r.changes.Lock()
	defer r.changes.Unlock()
	r.permits.Assign(f.ID, allocation(&f))
	r.directory.set(f.ID, e)
	r.pool.Keep(f.ID, e.targets()...)
	r.pool.Provision(f.ID, e.wants(&f)...)
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
}

func (r *Router) settingsOf(f lambda.Function) (lambda.Settings, error) {
	s, err := lambda.ParseSettings(f.Tags)
	if err != nil {
		return s, fmt.Errorf("settings of function %s: %w", f.ID.Name, err)
	}
	if s.Tier == 0 {
		s.Tier = r.settings.DefaultTier
	}
	return s, nil
}

func newEntry(f lambda.Function, s lambda.Settings) *entry {
	target := func(v lambda.Version) *lambda.Target {
		return &lambda.Target{ID: f.ID, Version: v, Tags: f.Tags, Tier: s.Tier, CPUQuota: s.CPUQuota, Class: s.Class, Concurrency: s.Concurrency, Keep: s.Keep}
	}
	e := &entry{latest: target(*f.Runs()), published: make(map[string]*lambda.Target, len(f.Published))}
	for _, v := range f.Published {
		e.published[v.Version] = target(v)
	}
	e.alias(f.Aliases)
	return e
}

func (e *entry) targets() []*lambda.Target {
	all := []*lambda.Target{e.latest}
	for _, t := range e.published {
		all = append(all, t)
	}
	return all
}

func (d *directory) set(id lambda.FunctionID, e *entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.functions == nil {
		d.functions = map[lambda.FunctionID]*entry{}
	}
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
