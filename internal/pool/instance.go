package pool

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

// Instance is what a pool needs of an execution environment; *instance.Instance is
// one. A pool gives it as many requests at once as its target has slots.
type Instance interface {
	// ID names the instance in the log.
	ID() string
	// Launch is the timeline of its start.
	Launch() receipt.Launch
	// Invoke runs the function. An error that wraps instance.ErrGone says that the
	// event did not reach it and that the sink was not touched. It returns soon after
	// Close; the context that it gets does not end. A receipt with time in Runtime or
	// Init says that the runtime was started again.
	Invoke(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error)
	// Reusable says, after an Invoke, whether another may follow. One with several slots
	// may be reusable again once nothing runs in it.
	Reusable() bool
	// Freeze stops its processes until Thaw. Both are idempotent; nothing may run.
	Freeze(ctx context.Context) error
	Thaw(ctx context.Context) error
	// Reclaim pushes the memory of a frozen one out to swap and returns how many bytes that
	// gave back. It may run beside all else.
	Reclaim(ctx context.Context) (int64, error)
	// Done is closed when the instance ended by itself or by Close; Err says why.
	Done() <-chan struct{}
	Err() error
	// Close ends and frees it.
	Close(ctx context.Context) error
}

// Opener is an Instance that a Preparer made. Optional: Initialise starts its runtime and waits
// until the function is initialised. Where it was not called the first Invoke does that, inside
// its time but not the function's, and the receipt has what it took in Runtime and Init. With an
// error, or one of that Invoke that wraps instance.ErrGone, the instance has ended.
type Opener interface {
	Instance
	Initialise(ctx context.Context) error
}

// Preparer is a Starter that can leave the initialisation to the first Invoke. Optional; errors
// are as Start's.
type Preparer interface {
	Prepare(ctx context.Context, target *lambda.Target) (Opener, error)
}

// Starter starts instances; Launcher makes one of an instance.Launcher. On an error
// nothing is left. An error that is a *lambda.Error is final and for the caller; any
// other is the platform's and is tried again once.
type Starter interface {
	Start(ctx context.Context, target *lambda.Target) (Instance, error)
}
