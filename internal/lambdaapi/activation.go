package lambdaapi

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/lambda"
)

// activators is how many functions become active at once: unpacking is disk work.
const activators = 2

// retryPause is how long an activation waits after the store failed.
const retryPause = 2 * time.Second

// activations is the queue of functions to activate. It holds names only, each of a
// stored function that is Pending or whose update is in progress.
type activations struct {
	wake  chan struct{} // holds a token while there is something to take
	pause time.Duration // before another try after the store failed

	// mu guards waiting and queued.
	mu      sync.Mutex
	waiting []lambda.FunctionID
	queued  map[lambda.FunctionID]bool // those in waiting, each once: two workers must not do the same
}

func newActivations() *activations {
	return &activations{wake: make(chan struct{}, 1), pause: retryPause, queued: map[lambda.FunctionID]bool{}}
}

func (a *activations) add(ids ...lambda.FunctionID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		if !a.queued[id] {
			a.queued[id] = true
			a.waiting = append(a.waiting, id)
		}
	}
	a.signal()
}

// later puts a function back after a pause, which slows the worker down, too: when the
// store fails for one function it fails for the next.
func (a *activations) later(ctx context.Context, id lambda.FunctionID) {
	select {
	case <-ctx.Done():
	case <-time.After(a.pause):
		a.add(id)
	}
}

// signal must be called with mu held.
func (a *activations) signal() {
	if len(a.waiting) == 0 {
		return
	}
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// next waits for a function; false means that ctx has ended.
func (a *activations) next(ctx context.Context) (lambda.FunctionID, bool) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-a.wake:
			if id, ok := a.take(); ok {
				return id, true
			}
		}
	}
	return lambda.FunctionID{}, false
}

func (a *activations) take() (lambda.FunctionID, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 {
		return lambda.FunctionID{}, false
	}
	id := a.waiting[0]
	a.waiting = a.waiting[1:]
	delete(a.queued, id)
	a.signal()
	return id, true
}

// Run activates functions until ctx ends: first those that an earlier process left
// unsettled, then each as it is created or updated. It returns nil when ctx ends, or what kept it
// from reading the store.
func (s *Server) Run(ctx context.Context) error {
	if err := s.resume(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it had read all; the next process does
		}
		return err
	}
	var workers errgroup.Group
	for range activators {
		workers.Go(func() error {
			s.work(ctx, s.activations, s.activate)
			return nil
		})
	}
	s.runSnapshotters(ctx, &workers)
	return workers.Wait()
}

func (s *Server) resume(ctx context.Context) error {
	return s.Store.All(ctx, func(fn lambda.Function) error {
		if unsettled(&fn) {
			s.activations.add(fn.ID)
		}
		return nil
	})
}

// work does something for each function of a queue until ctx ends.
func (s *Server) work(ctx context.Context, queue *activations, do func(context.Context, lambda.FunctionID) error) {
	for {
		id, ok := queue.next(ctx)
		if !ok {
			return
		}
		if err := do(ctx, id); err != nil && ctx.Err() == nil {
			s.Log.Error("activating a function; trying again", "function", id.ARN(), "after", queue.pause, "error", err)
			queue.later(ctx, id)
		}
	}
}

// activate makes one function ready and says so in the store and the directory. A
// function that was deleted or made anew meanwhile is left alone.
func (s *Server) activate(ctx context.Context, id lambda.FunctionID) error {
	fn, err := s.Store.Function(ctx, id)
	if isMissing(err) {
		return nil
	}
	if err != nil || !unsettled(&fn) {
		return err
	}
	outcome := s.ready(ctx, &fn.Latest)
	s.compile(ctx, &fn, outcome)
	if ctx.Err() != nil {
		return nil // the next process does it
	}
	return s.settle(ctx, &fn, outcome)
}

// unsettled reports whether a function waits for its activation. What is published while
// it waits has its code, and waits with it.
func unsettled(fn *lambda.Function) bool {
	waits := false
	fn.Each(func(v *lambda.Version) { waits = waits || unready(v) })
	return waits
}

func unready(v *lambda.Version) bool {
	return v.State == "Pending" || v.LastUpdateStatus == "InProgress"
}

// outcome is how an activation ended: the zero value is success.
type outcome struct {
	reason string // for the owner of the function
	code   string // StateReasonCode or LastUpdateStatusReasonCode
}

// ready unpacks the code and looks for the runtime.
func (s *Server) ready(ctx context.Context, v *lambda.Version) outcome {
	if _, err := s.Runtimes.Resolve(v); err != nil {
		return outcome{"This host cannot run " + v.Runtime + ": " + err.Error(), "InvalidRuntime"}
	}
	err := s.unpack(ctx, v)
	var wrong *lambda.Error
	switch {
	case err == nil:
		return outcome{}
	case errors.As(err, &wrong):
		return outcome{wrong.Message, "InvalidZipFileException"}
	}
	s.Log.Error("unpacking code", "digest", v.Code.Digest, "error", err)
	return outcome{"Lambent could not unpack the code of the function; its log says why. Create the function or make the update again.", "InternalError"}
}

// unpack puts code and layers where an instance finds them.
func (s *Server) unpack(ctx context.Context, v *lambda.Version) error {
	if _, err := s.Packages.Folder(ctx, v.Code.Digest); err != nil || len(v.Layers) == 0 {
		return err
	}
	_, err := s.Packages.Layers(ctx, v.LayerDigests())
	return err
}

// compile has the code of a function that is ready compiled.
func (s *Server) compile(ctx context.Context, fn *lambda.Function, o outcome) {
	set, err := lambda.ParseSettings(fn.Tags)
	if s.Compiler == nil || err != nil || o != (outcome{}) {
		return
	}
	tier, err := s.rule(fn.ID.Account).Isolation.Choose(set, &fn.Latest)
	if err != nil {
		return // it may not run
	}
	s.Compiler.Prepare(ctx, &lambda.Target{ID: fn.ID, Tier: tier, Version: fn.Latest})
}

// errChanged says that a function is no longer what was activated.
var errChanged = errors.New("function has changed")

// settle makes the outcome known. It looks again at a function that has changed since.
func (s *Server) settle(ctx context.Context, was *lambda.Function, o outcome) error {
	fn, err := s.change(ctx, was.ID, func(fn *lambda.Function) error {
		if fn.Latest.Generation != was.Latest.Generation {
			return errChanged
		}
		o.applyTo(fn)
		return nil
	})
	switch {
	case isMissing(err):
		return nil
	case errors.Is(err, errChanged):
		s.activations.add(was.ID)
		return nil
	}
	if err == nil && unsettled(&fn) { // with SnapStart
		s.snapshots.add(was.ID)
	}
	return err
}

// applyTo moves all versions out of Pending and InProgress, but those that are to be
// initialised. After a failed update the function goes on serving what it served before.
func (o outcome) applyTo(fn *lambda.Function) {
	if o == (outcome{}) {
		fn.Serving = nil
	}
	fn.Each(func(v *lambda.Version) {
		switch {
		case v.State == "Pending" && v.SnapStarts() && o == (outcome{}):
		case v.State == "Pending":
			o.create(v)
		case v.LastUpdateStatus == "InProgress":
			o.update(v)
		}
	})
}

func (o outcome) create(v *lambda.Version) {
	v.RevisionID = uuid.NewString()
	v.StateReason, v.StateReasonCode = o.reason, o.code
	v.State, v.LastUpdateStatus = "Active", "Successful"
	if o != (outcome{}) {
		v.State, v.LastUpdateStatus = "Failed", "Failed"
	}
}

func (o outcome) update(v *lambda.Version) {
	v.RevisionID = uuid.NewString()
	v.LastUpdateStatusReason, v.LastUpdateStatusReasonCode = o.reason, o.code
	v.LastUpdateStatus = "Successful"
	if o != (outcome{}) {
		v.LastUpdateStatus = "Failed"
	}
}
