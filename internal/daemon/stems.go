package daemon

import (
	"context"
	"errors"
	"sync"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/router"
	"lambent.dev/lambent/internal/stem"
	"lambent.dev/lambent/internal/telemetry"
)

var errClosing = errors.New("the server closes")

// openStems makes what gives out sandboxes. Those of the tier process are never made
// early: there is nothing in them to make.
func (d *Daemon) openStems() (err error) {
	d.stems, err = stem.New(stem.Deps{
		Templates: d.parts.templates.Get, Addresses: instance.Addresses(), Owner: d.parts.owner, Log: d.log,
		Early:    func(t lambda.Tier) bool { return t > lambda.TierProcess },
		Starting: func() bool { return d.pool.Starting() }, // there is a pool before anybody asks for a sandbox
	}, d.stemSettings())
	return err
}

func (d *Daemon) stemSettings() stem.Settings {
	set := d.cfg.Stems
	memory := set.Memory
	if memory == 0 {
		memory = int64(hostMemory() / 32)
	}
	return stem.Settings{Floor: set.Floor, Ceiling: set.Ceiling, Boxes: stem.Bounds(d.cfg.Boxes), Memory: memory}
}

func (d *Daemon) stemCounts() []telemetry.Stems {
	var all []telemetry.Stems
	for _, s := range d.stems.Stats() {
		all = append(all, telemetry.Stems(s))
	}
	return all
}

// expectFunctions makes the directory and returns what ends it.
func (d *Daemon) expectFunctions(l *instance.Launcher) func() error {
	ctx, stop := context.WithCancelCause(context.Background())
	d.directory = expect(ctx, d.router, l)
	return func() error {
		stop(errClosing)
		<-d.directory.ended
		return nil
	}
}

// maxExpected bounds the kinds of sandboxes that are made ready because a function was
// deployed; those of others are, once it is invoked.
const maxExpected = 16

// expecting makes sandboxes ready for functions when they become known. It decorates the
// router.
type expecting struct {
	*router.Router
	launcher *instance.Launcher
	targets  chan *lambda.Target
	ended    chan struct{}

	mu   sync.Mutex // guards seen
	seen map[kind]bool
}

// kind is what of a function decides about its sandbox, nearly: see package runtimes.
type kind struct {
	tier             lambda.Tier
	network          lambda.Network
	account, runtime string
	memory, tmp      int
}

// expect starts the goroutine that looks at functions; it ends with ctx. The first of a
// runtime has its interpreter looked for, which nobody should wait for.
func expect(ctx context.Context, r *router.Router, l *instance.Launcher) *expecting {
	e := &expecting{Router: r, launcher: l, targets: make(chan *lambda.Target, maxExpected), ended: make(chan struct{}), seen: map[kind]bool{}}
	go e.run(ctx)
	return e
}

func (e *expecting) run(ctx context.Context) {
	defer close(e.ended)
	for {
		select {
		case t := <-e.targets:
			_ = e.launcher.Expect(t) // an invocation gets the error
		case <-ctx.Done():
			return
		}
	}
}

// Put implements lambdaapi.Directory.
func (e *expecting) Put(f lambda.Function) error {
	if err := e.Router.Put(f); err != nil {
		return err
	}
	if t, err := e.Latest(&f); err == nil && e.isNew(t) {
		e.targets <- t // there is room for all that are new
	}
	return nil
}

func (e *expecting) isNew(t *lambda.Target) bool {
	k := kind{t.Tier, t.Network, t.ID.Account, t.Version.Runtime, t.Version.MemorySize, t.Version.TmpSize}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen[k] || len(e.seen) >= maxExpected {
		return false
	}
	e.seen[k] = true
	return true
}
