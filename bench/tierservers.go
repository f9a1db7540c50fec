package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"lambent.dev/lambent/bench/lambent"
)

// firstStarts is how long the isolations may take to answer for the first time, all together: a
// guest boots, what all starts share is made.
const firstStarts = 18 * time.Second

var errSlowStart = fmt.Errorf("there was no time: it had not answered %.0f s after the servers started", firstStarts.Seconds())

// bootCalm is how long the machine may take to become idle after that.
const bootCalm = 3 * time.Second

// tierServer is a server that offers every isolation.
type tierServer struct {
	*lambent.Server
	failed   map[string]error // by isolation: why it did not answer
	emulated []string         // isolations whose answers said so
}

// start starts both servers and lets every isolation answer once on each: the servers at once, the
// isolations of one after another.
func (t *tierTurns) start(ctx context.Context, d time.Duration) (err error) {
	if t.starts, err = t.server(ctx, everyInvokeStarts); err != nil {
		return err
	}
	if t.stays, err = t.server(ctx, append(nothingAhead(), roomForAll)...); err != nil {
		return errors.Join(err, t.starts.Close())
	}
	t.done.add(t.closeBoth)
	first, cancel := context.WithTimeoutCause(ctx, firstStarts, errSlowStart)
	defer cancel()
	var both sync.WaitGroup
	for _, srv := range []*tierServer{t.starts, t.stays} {
		both.Go(func() { t.first(first, srv) })
	}
	both.Wait()
	t.emulated = append(t.starts.emulated, t.stays.emulated...)
	return calmDown(ctx, min(bootCalm, d/2))
}

// closeBoth ends both servers at once.
func (t *tierTurns) closeBoth() error {
	ended := make(chan error, 1)
	go func() { ended <- t.starts.Close() }()
	return errors.Join(t.stays.Close(), <-ended)
}

func (t *tierTurns) server(ctx context.Context, settings ...string) (*tierServer, error) {
	srv, err := t.serve(ctx, append(settings, "LAMBENT_ALLOW_PROCESS=true")...)
	if err != nil {
		return nil, err
	}
	return &tierServer{Server: srv, failed: map[string]error{}}, nil
}

// first deploys the function in every isolation, named like that, the weakest first, and asks it.
func (t *tierTurns) first(ctx context.Context, srv *tierServer) {
	for _, tier := range Tiers() {
		err := t.ask(ctx, srv, tier, tier)
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		srv.failed[tier] = err
	}
}

// ask deploys the function under a name and invokes it once: its instance stays if instances do.
func (t *tierTurns) ask(ctx context.Context, srv *tierServer, tier, name string) (err error) {
	if err := t.deploy(ctx, srv, tier, name); err != nil {
		return err
	}
	caller, err := srv.NewCaller(ctx, name, t.f.Event)
	if err != nil {
		return err
	}
	answer, err := caller.Invoke()
	if answer.Emulated {
		srv.emulated = append(srv.emulated, tier)
	}
	return errors.Join(err, caller.Close())
}

func (t *tierTurns) deploy(ctx context.Context, srv *tierServer, tier, name string) error {
	err := srv.Deploy(ctx, lambent.Function{
		Name: name, Runtime: t.f.Runtime, Handler: t.f.Handler, Zip: t.f.Zip, Memory: t.f.Memory, Environment: t.f.Environment,
		Tags: map[string]string{"lambent:isolation": tier},
	})
	var refused smithy.APIError
	if errors.As(err, &refused) { // what the host lacks, and how to get it
		return errors.New(refused.ErrorMessage())
	}
	return err
}

// callers connects to the function in an isolation, n times.
func (t *tierTurns) callers(ctx context.Context, srv *tierServer, tier string, n int) ([]*lambent.Caller, error) {
	if err := srv.failed[tier]; err != nil {
		return nil, err
	}
	return callersOf(ctx, srv.Server, tier, t.f.Event, n, &t.done)
}

// caller is one of them.
func (t *tierTurns) caller(ctx context.Context, srv *tierServer, tier string) (*lambent.Caller, error) {
	all, err := t.callers(ctx, srv, tier, 1)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// failedIn is why an isolation cannot be measured.
func (t *tierTurns) failedIn(tier string) error {
	return cmp.Or(t.stays.failed[tier], t.starts.failed[tier])
}
