package bytecode

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
)

// Packages keeps unpacked packages and their variants: a code.Packages.
type Packages interface {
	Folder(ctx context.Context, digest string) (string, error)
	Layers(ctx context.Context, digests []string) (string, error)
	Variant(digest, kind string) (folder string, decided bool)
	MakeVariant(ctx context.Context, digest, kind string, fill func(*os.Root) error) error
	NoVariant(digest, kind string) error
}

// Deps is all that a Maker needs.
type Deps struct {
	Packages Packages
	// Compiler says how to compile for a version's runtime and memory, or why that is not possible.
	Compiler func(v *lambda.Version) (runtimes.Compiler, error)
	// Templates returns the prepared template of a base.
	Templates func(ctx context.Context, tier lambda.Tier, base sandbox.Base) (sandbox.Template, error)
	Owner     string // begins the names of sandboxes, see stem.Deps
	Log       *slog.Logger
}

// Settings bound the work. Values that are 0 mean DefaultSettings'.
type Settings struct {
	Parallel int           // packages at once on this host
	Begin    time.Duration // how long Prepare waits until its work begins
	Wait     time.Duration // and then until it is done
	Limit    time.Duration // of the compiling of one package; what is ready by then is kept
}

// DefaultSettings are for a host that has better to do. An activation that meets other work
// does not queue behind it.
func DefaultSettings() Settings {
	return Settings{Parallel: 1, Begin: 100 * time.Millisecond, Wait: time.Second, Limit: 5 * time.Minute}
}

// Maker compiles packages, each once per runtime. Its methods may be called from many
// goroutines.
type Maker struct {
	deps     Deps
	settings Settings
	wake     chan struct{} // holds a token while there is something to take

	mu      sync.Mutex     // guards what follows
	waiting []*job         // the first is next
	failed  map[key]bool   // is not tried again by this process
	shown   map[string]int // sandboxes that show a package, by digest; also in advance
}

// job is the work for one version. Its units are done one after the other.
type job struct {
	units []unit
	begun chan struct{}
	done  chan struct{}
}

// New returns a maker that works when it runs.
func New(d Deps, s Settings) *Maker {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	def := DefaultSettings()
	s = Settings{
		Parallel: cmp.Or(s.Parallel, def.Parallel), Begin: cmp.Or(s.Begin, def.Begin),
		Wait: cmp.Or(s.Wait, def.Wait), Limit: cmp.Or(s.Limit, def.Limit),
	}
	return &Maker{deps: d, settings: s, wake: make(chan struct{}, 1), failed: map[key]bool{}, shown: map[string]int{}}
}

// Folder returns what a version is shown in the place of an unpacked package, "" for the
// package itself.
func (m *Maker) Folder(v *lambda.Version, digest string) string {
	folder, _ := m.deps.Packages.Variant(digest, runtimes.CompiledKind(v))
	return folder
}

// Prepare has a version compiled soon, and waits for it a little. What is not ready by then
// is made in the background: nothing depends on it but speed.
func (m *Maker) Prepare(ctx context.Context, t *lambda.Target) {
	if _, err := m.deps.Compiler(&t.Version); err != nil {
		return // there is nothing to compile
	}
	j := m.add(workOf(t), true)
	if j != nil && wait(ctx, j.begun, m.settings.Begin) {
		wait(ctx, j.done, m.settings.Wait)
	}
}

// Expect has a version compiled when there is nothing else to do. It looks for no
// interpreter.
func (m *Maker) Expect(t *lambda.Target) { m.add(workOf(t), false) }

// Shows says whether a sandbox shows a package, or is going to.
func (m *Maker) Shows(digest string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shown[digest] > 0
}

func wait(ctx context.Context, done <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// add queues what is left to be done; nil = nothing is.
func (m *Maker) add(w work, soon bool) *job {
	j := &job{begun: make(chan struct{}), done: make(chan struct{})}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range w.units() {
		if m.lacks(u) {
			j.units = append(j.units, u)
		}
	}
	if len(j.units) == 0 {
		return nil
	}
	m.hold(j, +1)
	if soon {
		m.waiting = slices.Insert(m.waiting, 0, j)
	} else {
		m.waiting = append(m.waiting, j) // a start expects all functions
	}
	m.signal()
	return j
}

// lacks says whether a unit is still to be made. mu is held.
func (m *Maker) lacks(u unit) bool {
	_, decided := m.deps.Packages.Variant(u.digest, u.kind)
	return !decided && !m.failed[u.key()]
}

// hold keeps the packages of a job from being removed, or lets go. mu is held.
func (m *Maker) hold(j *job, n int) {
	for _, u := range j.units {
		for _, digest := range append([]string{u.digest}, u.layers...) {
			if m.shown[digest] += n; m.shown[digest] == 0 {
				delete(m.shown, digest)
			}
		}
	}
}

// signal must be called with mu held.
func (m *Maker) signal() {
	if len(m.waiting) == 0 {
		return
	}
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Run compiles until ctx ends. What is left then is found missing by the next process.
func (m *Maker) Run(ctx context.Context) {
	var workers errgroup.Group
	for range m.settings.Parallel {
		workers.Go(func() error { m.workUntil(ctx); return nil })
	}
	_ = workers.Wait()
}

func (m *Maker) workUntil(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-m.wake:
			if j := m.take(); j != nil {
				m.do(ctx, j)
			}
		case <-ctx.Done():
		}
	}
}

func (m *Maker) take() *job {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiting) == 0 {
		return nil
	}
	j := m.waiting[0]
	m.waiting = m.waiting[1:]
	m.signal()
	return j
}

func (m *Maker) do(ctx context.Context, j *job) {
	close(j.begun)
	defer close(j.done)
	for _, u := range j.units {
		m.make(ctx, u)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hold(j, -1)
}

// make does one unit, unless it was done while it waited. A failure costs speed only: it is
// told and not tried again.
func (m *Maker) make(ctx context.Context, u unit) {
	m.mu.Lock()
	lacks := m.lacks(u)
	m.mu.Unlock()
	if !lacks {
		return
	}
	compiler, err := m.deps.Compiler(u.version())
	if err != nil || !u.fits(compiler) {
		return // nothing to compile, or the function does not start either
	}
	began := time.Now()
	err = m.compile(ctx, u, compiler)
	switch {
	case err == nil:
		m.deps.Log.Debug("compiled a package", "for", u.kind, "digest", u.digest, "took", time.Since(began))
	case ctx.Err() == nil:
		m.fail(u, err)
	}
}

func (m *Maker) fail(u unit, err error) {
	m.deps.Log.Warn("a package was not compiled: it starts from source", "for", u.kind, "digest", u.digest, "error", err)
	if errors.Is(err, sandbox.ErrClosed) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed[u.key()] = true
}
