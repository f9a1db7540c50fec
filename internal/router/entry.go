package router

import (
	"cmp"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"unique"

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

	// hold is the configuration as far as it is there; nil if it was never read.
	hold atomic.Pointer[hold]
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

// inherit gives releases that are in use their configuration of now: as long as an instance
// of a generation lives, it is not read again.
func (e *entry) inherit(was *entry, f *lambda.Function, s settings) {
	if was == nil {
		return
	}
	for i := range e.releases {
		v := &e.releases[i]
		old := was.find(v.version)
		if old == nil || old.generation != v.generation {
			continue
		}
		if users := old.users(); len(users) > 0 {
			v.hold.Store(&hold{target: target(f, e.of(f, i), s), users: users})
		}
	}
}

// keep holds the configuration for good.
func (e *entry) keep(f *lambda.Function, s settings) {
	for i := range e.releases {
		e.releases[i].hold.Store(&hold{target: target(f, e.of(f, i), s)})
	}
}

// of returns the version of a function that release i is of.
func (e *entry) of(f *lambda.Function, i int) *lambda.Version {
	if i == 0 {
		return f.Runs()
	}
	return &f.Published[i-1]
}

func target(f *lambda.Function, v *lambda.Version, s settings) *lambda.Target {
	tier, err := s.rule.Choose(s.Settings, v)
	s.Settle(tier, s.network)
	own := v.Capacity.Limit(s.Settings, f.Tags, v.MemorySize)
	return &lambda.Target{
		ID: f.ID, Version: *v, Tags: f.Tags, Tier: tier, Network: s.Network, Reach: s.Reach(), Refused: refusal(err),
		CPUQuota: own.CPUQuota, Class: s.Class, Concurrency: own.Concurrency, Keep: s.Keep,
	}
}

// refusal is how a caller hears that a version may not run.
func refusal(cause error) error {
	if cause == nil {
		return nil
	}
	return lambda.NewError(lambda.ErrResourceConflict, "The operation cannot be performed at this time. The function may not run: %s", cause)
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

// names are targets with the settings but not the configuration: what the pool needs to
// know of instances that are worth keeping.
func (e *entry) names(f *lambda.Function, s settings) []*lambda.Target {
	all := make([]*lambda.Target, len(e.releases))
	for i := range e.releases {
		v := &e.releases[i]
		all[i] = target(f, &lambda.Version{Version: v.version, Generation: v.generation}, s)
	}
	return all
}
