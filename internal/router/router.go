package router

import (
	"context"
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
)

// Settings are the policy of a router.
type Settings struct {
	// Isolation says how strongly functions are isolated. Its Default is required.
	Isolation lambda.Isolation
	// Rules are those of accounts that have their own; for the others Isolation holds. They do
	// not change.
	Rules map[string]lambda.AccountRule
	// DefaultNetwork is the profile of functions without the tag lambent:network; "" = none.
	DefaultNetwork lambda.Network
	// Source reads the configuration of a function that is invoked while nothing of it is
	// in use. It is asked after Put, and must not know less. nil = Put keeps everything in
	// memory.
	Source Source
}

// Router is the way into the line for every front.
type Router struct {
	settings  Settings
	pool      *pool.Pool
	permits   Allotment
	changes   sync.Mutex // held by Put and Remove from the directory's change to the pool's
	directory directory
}

// Allotment gives the permits to run that this machine has. Only the calls of Invoke
// are on the path of a request.
type Allotment interface {
	// TryAcquire takes a permit for one invocation of a version; release gives it back and
	// is called exactly once. The error is Lambda's throttle.
	TryAcquire(id lambda.FunctionID, version string) (release func(), err error)
	// Admits says whether an invocation could get a permit now; it takes none.
	Admits(id lambda.FunctionID) bool
	// Assign sets what a function has of its own.
	Assign(id lambda.FunctionID, a Allocation)
	// Forget drops what is known of a function. Permits that are out stay valid.
	Forget(id lambda.FunctionID)
}

// New returns a router without functions.
func New(p *pool.Pool, permits Allotment, settings Settings) *Router {
	return &Router{settings: settings, pool: p, permits: permits}
}

// Invoke runs a function and returns when its answer has been given to the sink. It
// sets inv.Target, and inv.Arrived if the front did not. A DryRun ends before a
// permit is taken or anything started: it sets no target, and its sink is not touched.
//
// The receipt's phases sum to the time since inv.Arrived, also with an error. Errors
// are those of the pool, and Lambda's for a function that is unknown, not ready or at
// its limit.
func (r *Router) Invoke(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	if inv.Arrived.IsZero() {
		inv.Arrived = time.Now()
	}
	rec, err := r.run(ctx, inv, sink)
	r.sign(&rec, inv)
	return rec, err
}

func (r *Router) run(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	if inv.Type == lambda.DryRun {
		return r.dryRun(ctx, inv)
	}
	target, err := r.admit(ctx, inv)
	if err != nil {
		return receipt.Receipt{}, err
	}
	inv.Target = target
	release, err := r.permits.TryAcquire(inv.Function, target.Version.Version)
	if err != nil {
		return receipt.Receipt{}, err
	}
	defer release()
	return r.pool.Invoke(ctx, inv, sink)
}

// admit resolves what an invocation names, and holds that it says whose it is.
func (r *Router) admit(ctx context.Context, inv *lambda.Invocation) (*lambda.Target, error) {
	target, err := r.Resolve(ctx, inv.Function, inv.Qualifier)
	if err != nil {
		return nil, err
	}
	if target.Refused != nil {
		return nil, target.Refused
	}
	return target, lambda.AdmitTenant(target.Version.Tenancy, inv.TenantID)
}

// dryRun finds out whether the version is there and may be invoked: it is refused what an
// invocation would be.
func (r *Router) dryRun(ctx context.Context, inv *lambda.Invocation) (receipt.Receipt, error) {
	target, err := r.admit(ctx, inv)
	if err != nil {
		return receipt.Receipt{}, err
	}
	return receipt.Receipt{Version: target.Version.Version}, nil
}

// sign writes onto the receipt what the router knows.
func (r *Router) sign(rec *receipt.Receipt, inv *lambda.Invocation) {
	rec.RequestID, rec.Arrived, rec.Tenant = inv.RequestID, inv.Arrived, inv.TenantID
	if inv.Target != nil {
		rec.Class = inv.Class()
		rec.Version, rec.Tier, rec.Network = inv.Target.Version.Version, inv.Target.Tier, inv.Target.Network
	}
	rec.Settle(receipt.Queue, time.Since(inv.Arrived))
}
