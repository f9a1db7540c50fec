package router

import (
	"cmp"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"unique"
	"weak"

	"lambent.dev/lambent/internal/lambda"
)

// entry is one state of a function: its versions' names and states. Their configuration is
// there as long as somebody uses it, an instance above all.
type entry struct {
	releases []release // $LATEST, then the published ones
	aliases  map[string]split

	// known says that pool and permits have heard of the function. Router.changes guards it.
	known bool
	// loading is held while the configuration is read.
	loading sync.Mutex
}

// release is one generation of one version.
type release struct {
	version    string
	generation uint64
	state      string

	kept *lambda.Target // where there is no source; else nil
	// used is the configuration, nil or gone if nobody uses it.
	used atomic.Pointer[weak.Pointer[lambda.Target]]
}

func newEntry(f *lambda.Function) *entry {
	e := &entry{releases: make([]release, 1+len(f.Published))}
	e.releases[0].name(f.Runs())
	for i := range f.Published {
		e.releases[1+i].name(&f.Published[i])
	}
	e.alias(f.Aliases)
	return e
}

func (v *release) name(of *lambda.Version) {
	v.version, v.generation, v.state = canonical(of.Version), of.Generation, canonical(of.State)
}

// canonical returns a string that all equal ones share: a hundred thousand functions have
// few accounts, regions, states and version numbers.
func canonical(s string) string { return unique.Make(s).Value() }

// inherit takes over what is in use of another state of the function: as long as an
// instance of a generation lives, its configuration is not read again.
func (e *entry) inherit(was *entry) {
	if was == nil {
		return
	}
	for i := range e.releases {
		if old := was.find(e.releases[i].version); old != nil && old.generation == e.releases[i].generation {
			e.releases[i].used.Store(old.used.Load())
		}
	}
}

// keep holds the configuration for good.
func (e *entry) keep(f *lambda.Function, s lambda.Settings) {
	e.releases[0].kept = target(f, f.Runs(), s)
	for i := range f.Published {
		e.releases[1+i].kept = target(f, &f.Published[i], s)
	}
}

func target(f *lambda.Function, v *lambda.Version, s lambda.Settings) *lambda.Target {
	return &lambda.Target{ID: f.ID, Version: *v, Tags: f.Tags, Tier: s.Tier, CPUQuota: s.CPUQuota, Class: s.Class, Concurrency: s.Concurrency, Keep: s.Keep}
}

// target returns the configuration, nil if it has to be read.
func (v *release) target() *lambda.Target {
	if v.kept != nil {
		return v.kept
	}
	if used := v.used.Load(); used != nil {
		return used.Value()
	}
	return nil
}

// use keeps the configuration for as long as somebody else does.
func (v *release) use(t *lambda.Target) {
	w := weak.Make(t)
	v.used.Store(&w)
}

// find returns nil for a version that is not there. Numbers ascend, and a longer one is
// higher.
func (e *entry) find(version string) *release {
	if version == "" || version == lambda.Latest {
		return &e.releases[0]
	}
	published := e.releases[1:]
	i := sort.Search(len(published), func(i int) bool {
		v := published[i].version
		return cmp.Or(cmp.Compare(len(v), len(version)), strings.Compare(v, version)) >= 0
	})
	if i == len(published) || published[i].version != version {
		return nil
	}
	return &published[i]
}

// names are targets without their configuration, for the pool to know which are current
// and how long they are kept idle.
func (e *entry) names(id lambda.FunctionID, keep lambda.Keep) []*lambda.Target {
	all := make([]*lambda.Target, len(e.releases))
	for i := range e.releases {
		v := &e.releases[i]
		all[i] = &lambda.Target{ID: id, Version: lambda.Version{Version: v.version, Generation: v.generation}, Keep: keep}
	}
	return all
}
