package pool

import (
	"context"
	"slices"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// snapshotsKept is how many initialised instances of a version with SnapStart wait for
// requests. With two, the next start finds one while the one before is being replaced.
const snapshotsKept = 2

// snapshots are the instances of a version with SnapStart that no request has had: they
// stand in front of group.idle, frozen, are taken last and evicted first. The first request
// of each restores it, which makes it one like the others. group.mu guards them.
type snapshots struct {
	target *lambda.Target // nil = what is taken is not replaced
	starts []*member      // under way
}

// Snapshots says of which versions of a function initialised instances are to wait; it
// replaces what was said before. It begins to start them and does not wait. Targets must
// have been named to Keep. Calls for one function must not overlap.
func (p *Pool) Snapshots(id lambda.FunctionID, targets ...*lambda.Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.functions[id]
	if f == nil || p.closed {
		return
	}
	wanted := map[Key]*lambda.Target{}
	for _, t := range targets {
		key := keyOf(t, "")
		wanted[key] = t
		if f.groups[key] == nil && slices.Contains(f.current, release{key.Version, key.Generation}) {
			p.add(key)
		}
	}
	for key, g := range f.groups {
		g.keepSnapshots(wanted[key])
	}
}

// Snapshot makes the first initialised instance of a version, which must have been named to
// Keep, and waits for it. An error that wraps instance.ErrInit is the function's.
func (p *Pool) Snapshot(ctx context.Context, target *lambda.Target) error {
	if err := p.enter(); err != nil {
		return err
	}
	defer p.requests.Done()
	made := p.groupOf(keyOf(target, "")).makeSnapshot(target)
	select {
	case err := <-made:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g *group) keepSnapshots(target *lambda.Target) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.snapshots.target = target
	g.refill()
}

func (g *group) makeSnapshot(target *lambda.Target) <-chan error {
	g.mu.Lock()
	defer g.mu.Unlock()
	made := make(chan error, 1)
	if g.waiting() > 0 { // a server that ended before it could say so
		made <- nil
		return made
	}
	g.beginSnapshot(target, made)
	return made
}

// waiting counts the snapshots that a request could take. Preconditions: mu is held.
func (g *group) waiting() (n int) {
	for _, m := range g.idle {
		if m.snapshot {
			n++
		}
	}
	return n
}

// refill begins what lacks, as long as no request waits: that needs the CPUs more.
// Preconditions: mu is held.
func (g *group) refill() {
	s := &g.snapshots
	if s.target == nil || !g.kept || len(g.waiters) > 0 || context.Cause(g.pool.ctx) != nil {
		return
	}
	for range snapshotsKept - g.waiting() - len(s.starts) {
		g.beginSnapshot(s.target, nil)
	}
}

// beginSnapshot begins to initialise an instance that then waits. made, unless nil, is told
// how that went; without it nobody asked, and only memory that is free is used.
// Preconditions: mu is held.
func (g *group) beginSnapshot(of *lambda.Target, made chan<- error) {
	target := *of
	target.Snapshot = true
	ctx, cancel := context.WithCancelCause(g.pool.ctx)
	m := newMember(g, &target, cancel)
	m.snapshot = true
	g.snapshots.starts = append(g.snapshots.starts, m)
	g.pool.members.Add(1)
	g.pool.holdings.take(&target.Version)
	go m.runSnapshot(ctx, made) // owned by pool.members
}

// runSnapshot owns an instance that is initialised ahead of the request that restores it.
func (m *member) runSnapshot(ctx context.Context, made chan<- error) {
	g := m.group
	defer g.pool.members.Done()
	defer g.pool.holdings.drop(&m.target.Version)
	defer m.cancel(nil)
	err := m.startSnapshot(ctx, made != nil)
	if err != nil {
		m.log(err, "an instance for SnapStart was not initialised")
		g.endSnapshot(m)
	} else {
		g.arriveSnapshot(m)
	}
	if made != nil {
		made <- err
	}
	if err != nil {
		return
	}
	m.watch(ctx)
	m.close(ctx)
	g.pool.memory.free(m.memory, m.memory)
}

// startSnapshot is start. What nobody asked for takes only memory that is free.
func (m *member) startSnapshot(ctx context.Context, asked bool) error {
	if asked {
		return m.start(ctx)
	}
	if !m.group.pool.memory.take(m.memory) {
		return errNotNeeded
	}
	return m.startFunded(ctx)
}

// arriveSnapshot takes in an instance that was initialised ahead.
func (g *group) arriveSnapshot(m *member) {
	g.mu.Lock()
	defer g.unlock()
	g.forgetSnapshot(m)
	g.offer(m)
	g.refill() // a request that waited may have it
}

// endSnapshot takes in that one was not.
func (g *group) endSnapshot(m *member) {
	g.mu.Lock()
	defer g.unlock()
	g.forgetSnapshot(m)
}

// forgetSnapshot takes a start off the list; false if it was called off. Preconditions: mu
// is held.
func (g *group) forgetSnapshot(m *member) bool {
	i := slices.Index(g.snapshots.starts, m)
	if i >= 0 {
		g.snapshots.starts = slices.Delete(g.snapshots.starts, i, i+1)
	}
	return i >= 0
}

// dropSnapshots calls off what is being initialised. Preconditions: mu is held.
func (g *group) dropSnapshots() {
	for _, m := range g.snapshots.starts {
		m.cancel(errNotNeeded)
	}
	g.snapshots = snapshots{}
}

// spend makes a snapshot that a request has taken an instance like the others, begins to
// replace it, and returns the lease. Preconditions: mu is held.
func (g *group) spend(m *member) lease {
	m.snapshot = false
	g.used = true
	g.refill()
	return lease{member: m, woken: m.woken(), why: m.why, since: time.Now()}
}

// whyNoSnapshot is added to why a request found no idle instance. Preconditions: mu is held.
func (g *group) whyNoSnapshot() string {
	if g.snapshots.target == nil {
		return ""
	}
	return whyNoSnapshot
}
