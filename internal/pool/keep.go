package pool

import (
	"context"
	"fmt"
	"slices"

	"lambent.dev/lambent/internal/lambda"
)

// Keep names the versions and generations of a function whose instances are worth
// keeping; none means that the function was removed. Instances of others finish what
// they have and leave; no request fails. Calls for one function must not overlap.
func (p *Pool) Keep(id lambda.FunctionID, targets ...*lambda.Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	f := p.function(id)
	f.current, f.keep = f.current[:0], lambda.Keep{}
	for _, t := range targets {
		f.keep = t.Keep // the function's: the same for all
		f.current = append(f.current, release{t.Version.Version, t.Version.Generation})
	}
	for key, g := range f.groups {
		if slices.Contains(f.current, release{key.Version, key.Generation}) {
			g.keep(f.keep)
		} else {
			p.replace(f, g)
		}
	}
	p.prune(id)
}

// replace retires a group and tells its successor, if there is one, why it is cold.
// Preconditions: mu is held for writing.
func (p *Pool) replace(f *function, g *group) {
	delete(f.groups, g.key)
	used := g.retire(whyChanged)
	i := slices.IndexFunc(f.current, func(r release) bool { return r.version == g.key.Version })
	if !used || i < 0 || g.key.Tenant != "" {
		return
	}
	key := g.key
	key.Generation = f.current[i].generation
	next := f.groups[key]
	if next == nil {
		next = p.add(key)
	}
	next.follow(whyChanged)
}

// Close stops accepting requests, waits for those that are accepted, and closes all
// instances. When ctx ends first, waiting requests fail and busy instances are closed
// as they are. Either way no goroutine and no instance is left when it returns. A
// second Close waits as well.
func (p *Pool) Close(ctx context.Context) error {
	p.refuse()
	drained := make(chan struct{})
	go func() {
		p.requests.Wait()
		p.members.Wait()
		close(drained)
	}()
	select {
	case <-drained:
		p.stop(ErrClosed)
		return nil
	case <-ctx.Done():
		p.stop(ErrClosed)
		<-drained
		return fmt.Errorf("closing the pool: requests were cut short: %w", context.Cause(ctx))
	}
}

// refuse lets no new request in and retires all groups.
func (p *Pool) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.calm.end()
	for _, f := range p.functions {
		for _, g := range f.groups {
			g.retire(whyClosing)
		}
	}
}

// Stats counts what a pool holds at one moment.
type Stats struct {
	Idle, Busy, Starting int // instances
	Frozen, Reclaimed    int // of Idle
	Provisioned          int // of Idle and Busy, those initialised ahead of requests
	Waiting              int // requests
	Memory               int // MiB given to instances, those that are being closed included
}

// Stats counts the groups that take requests; what is left of retired ones shows in
// Memory only.
func (p *Pool) Stats() Stats {
	s := Stats{Memory: p.memory.inUse()}
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, f := range p.functions {
		for _, g := range f.groups {
			g.count(&s)
		}
	}
	return s
}
