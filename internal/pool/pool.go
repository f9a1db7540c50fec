package pool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

// attempts is how often a request is given to an instance: twice to any, then to one
// that was not idle before.
const attempts = 3

// startsPerCPU is how many provisioned instances start at once per CPU: an
// initialisation computes and waits in turn, so one alone leaves a CPU idle, and many take
// it from the requests.
const startsPerCPU = 2

// Pool holds the instances of one host.
type Pool struct {
	settings Settings
	starter  Starter
	memory   memory
	holdings holdings
	calm     calm

	launching chan struct{} // holds one for each provisioned instance that is being started

	ctx  context.Context // of all instances
	stop context.CancelCauseFunc

	requests sync.WaitGroup // Invokes; added to under mu while not closed
	members  sync.WaitGroup // goroutines that own instances

	evicting sync.Mutex // one makes room at a time; before mu

	mu        sync.RWMutex // guards what follows; before group.mu
	closed    bool
	functions map[lambda.FunctionID]*function
}

// function is what a pool knows of one function.
type function struct {
	current []release // named by Keep
	keep    lambda.Keep
	wants   []Want // named by Provision
	groups  map[Key]*group
}

// release is one generation of one version.
type release struct {
	version    string
	generation uint64
}

// Key names a group: instances that may stand in for each other.
type Key struct {
	Function   lambda.FunctionID
	Version    string
	Generation uint64
	Tenant     string
}

// New returns a pool without instances.
func New(starter Starter, settings Settings) (*Pool, error) {
	if err := settings.Validate(); err != nil {
		return nil, fmt.Errorf("settings of the pool: %w", err)
	}
	if settings.Log == nil {
		settings.Log = slog.New(slog.DiscardHandler)
	}
	p := &Pool{settings: settings, starter: starter, functions: map[lambda.FunctionID]*function{}, calm: newCalm(settings.CalmAfter)}
	p.launching = make(chan struct{}, startsPerCPU*runtime.NumCPU())
	p.memory.limit = settings.MemoryBudget
	p.ctx, p.stop = context.WithCancelCause(context.Background())
	return p, nil
}

// Invoke runs inv.Target in an instance and returns when the answer has been given to
// the sink. The phases of the receipt sum to the time that Invoke took.
//
// ctx bounds the wait for an instance. Once an instance has the event ctx does not
// matter: as on Lambda, a function whose caller left runs to its end or its timeout, and
// Invoke with it, so that whoever counts what runs by calls of Invoke counts right.
//
// Its error is a *lambda.Error, or the cause of ctx if that ended while the request
// waited.
func (p *Pool) Invoke(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	entered := time.Now()
	if err := p.enter(); err != nil {
		return receipt.Receipt{}, err
	}
	defer p.requests.Done()
	rec, err := p.retry(ctx, inv, sink)
	rec.Settle(receipt.Queue, time.Since(entered))
	return rec, err
}

func (p *Pool) enter() error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return failed(ErrClosed)
	}
	p.requests.Add(1)
	return nil
}

// retry gives the request to another instance when one was gone before the event
// reached it.
func (p *Pool) retry(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (rec receipt.Receipt, err error) {
	for attempt := 1; attempt <= attempts; attempt++ {
		rec, err = p.attempt(ctx, inv, sink, attempt == attempts)
		if !errors.Is(err, instance.ErrGone) {
			return rec, err
		}
	}
	return rec, failed(err)
}

func (p *Pool) attempt(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink, last bool) (rec receipt.Receipt, err error) {
	g := p.group(inv)
	got, err := g.acquire(ctx, inv.Target, inv.Class(), last)
	if err != nil {
		return receipt.Receipt{}, err
	}
	began, why := time.Now(), whyBroken // if the sink panics, the instance is not trusted any more
	flight := g.depart(&got, began)
	defer func() {
		flight.land(&rec, time.Now())
		g.release(got.member, why)
	}()
	if err := context.Cause(ctx); err != nil {
		why = got.unused()
		return receipt.Receipt{}, err
	}
	rec, err = got.member.inst.Invoke(context.WithoutCancel(ctx), inv, sink)
	why = got.member.spent(&rec, err)
	got.mark(&rec, began)
	return rec, shaped(err)
}

// group returns the group of an invocation, making it if there is none.
func (p *Pool) group(inv *lambda.Invocation) *group {
	return p.groupOf(keyOf(inv.Target, inv.TenantID))
}

func (p *Pool) groupOf(key Key) *group {
	p.mu.RLock()
	g := p.find(key)
	p.mu.RUnlock()
	if g != nil {
		return g
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if g := p.find(key); g != nil {
		return g
	}
	return p.add(key)
}

func keyOf(t *lambda.Target, tenant string) Key {
	return Key{Function: t.ID, Version: t.Version.Version, Generation: t.Version.Generation, Tenant: tenant}
}

// find looks a group up. Preconditions: mu is held.
func (p *Pool) find(key Key) *group {
	if f := p.functions[key.Function]; f != nil {
		return f.groups[key]
	}
	return nil
}

// add makes a group. Preconditions: mu is held for writing.
func (p *Pool) add(key Key) *group {
	f := p.function(key.Function)
	g := &group{pool: p, key: key, past: whyFirst}
	g.kept = !p.closed && slices.Contains(f.current, release{key.Version, key.Generation})
	g.adopt(f.keep) // nobody else has it yet
	f.groups[key] = g
	return g
}

// function returns the record of id, making it if there is none. Preconditions: mu is
// held for writing.
func (p *Pool) function(id lambda.FunctionID) *function {
	f := p.functions[id]
	if f == nil {
		f = &function{groups: map[Key]*group{}}
		p.functions[id] = f
	}
	return f
}

// sweep forgets a group that has nothing and is not needed for its history.
func (p *Pool) sweep(g *group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.functions[g.key.Function]
	if f == nil || f.groups[g.key] != g || !g.forget() {
		return
	}
	delete(f.groups, g.key)
	p.prune(g.key.Function)
}

// prune drops an empty record of a function. Preconditions: mu is held for writing.
func (p *Pool) prune(id lambda.FunctionID) {
	if f := p.functions[id]; len(f.current)+len(f.groups)+len(f.wants) == 0 {
		delete(p.functions, id)
	}
}
