package instance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/runtimeapi"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
)

var (
	errInitTimeout = errors.New("the function's initialisation took too long")
	errTimeout     = errors.New("the function took too long")
	errExited      = errors.New("the runtime's process ended")
	errReset       = errors.New("the sandbox was reset")
	errClosed      = errors.New("the instance was closed while it ran")
)

// exitGrace is how long a runtime whose stream broke has to end, so that the reason is
// its exit and not the stream.
const exitGrace = 500 * time.Millisecond

// life is one run of the runtime's process, from its start to a reset.
type life struct {
	process sandbox.Process
	session *runtimeapi.Session
	// restored says that the hooks after a restore have run, or failed. It is of the one
	// invocation that runs.
	restored bool
}

// phases is how long the two parts of a start took.
type phases struct{ runtime, init time.Duration }

// Initialise starts the runtime and waits until the function is initialised, once: what was
// initialised stays so. With an error the instance has ended.
func (i *Instance) Initialise(ctx context.Context) error {
	if !i.unborn.CompareAndSwap(true, false) {
		return nil
	}
	took, err := i.initialise(ctx)
	if err == nil {
		err = i.firstReading(ctx)
	}
	if err != nil {
		_ = i.end(ctx, errors.New("its start failed")) // shown by Err
		return fmt.Errorf("starting %s: %w", i.target.ID.ARN(), err)
	}
	i.timeline.Runtime, i.timeline.Init = took.runtime, took.init
	return nil
}

// initialise is the function's first initialisation.
func (i *Instance) initialise(ctx context.Context) (phases, error) {
	bounded, cancel := context.WithTimeoutCause(ctx, i.initLimit(), errInitTimeout)
	defer cancel()
	i.log.initStart(i.target, i.stream)
	took, failure, err := i.begin(bounded, "init")
	return took, i.initialised(took, failure, err)
}

// initialised takes in how the first initialisation went.
func (i *Instance) initialised(took phases, failure *fault, err error) error {
	if i.target.Provisioned || i.target.Snapshot {
		err = aheadFault(failure, err)
	} else if errors.Is(err, errInitTimeout) {
		err = nil // it is tried again inside the first invocation
	}
	if err != nil {
		return err
	}
	i.pending.Store(failure)
	i.initTook = took.runtime + took.init
	begun := failure == nil && i.life.Load() != nil
	i.fresh.Store(begun && !i.target.Snapshot)
	if begun && i.target.SnapStarts() {
		i.log.initReport(initReport{at: time.Now(), kind: initialisationType(i.target), phase: "init", duration: i.initTook, status: "success"})
	}
	return nil
}

// begin starts the runtime and waits until the function is initialised. Afterwards
// i.life is set, or a failure of the function or an error is returned: ctx's cause, or
// the platform's.
func (i *Instance) begin(ctx context.Context, phase string) (phases, *fault, error) {
	return i.beginBy(ctx, phase, way{serve: serveFrames, await: i.await})
}

// beginBy is begin by a way of one's own.
func (i *Instance) beginBy(ctx context.Context, phase string, by way) (phases, *fault, error) {
	started := time.Now()
	l, failure, err := i.launchRuntime(ctx, by)
	if err != nil || failure != nil {
		return phases{runtime: time.Since(started)}, i.logInit(phase, started, failure, err), err
	}
	i.life.Store(l)
	took, failure, err := by.await(ctx, l, started)
	if failure != nil || err != nil {
		failure = i.logInit(phase, started, failure, err)
		i.reset()
	}
	return took, failure, err
}

// way is how a runtime is begun with.
type way struct {
	offer func(*runtimeapi.Session) // before it runs; nil = nothing is to be done
	serve func(*life, net.Conn)     // speaks to one that speaks frames
	await func(ctx context.Context, l *life, started time.Time) (phases, *fault, error)
}

// serveFrames takes a runtime's frames beside whoever waits for it.
func serveFrames(l *life, conn net.Conn) {
	go func() { _ = l.session.ServeFrames(conn) }() // ends with the session, which keeps its error
}

// launchRuntime runs the runtime's process and connects it to a fresh session.
func (i *Instance) launchRuntime(ctx context.Context, by way) (*life, *fault, error) {
	path, failure := entrypoint(i.launch.Commands, i.mounts)
	if failure != nil {
		return nil, failure, nil
	}
	session := newSession(i.target)
	if by.offer != nil {
		by.offer(session)
	}
	i.session.Store(session)
	i.lives++
	process, err := i.box.Run(ctx, i.command(path))
	if err != nil {
		failure := runFault(path, err)
		if failure != nil {
			err = nil
		}
		return nil, failure, err
	}
	l := &life{process: process, session: session}
	go l.watch(i.done, i.launch.Protocol == runtimes.Framed) // ends with the process
	return l, nil, i.connect(ctx, l, by)
}

// connect gives a runtime that speaks frames its stream.
func (i *Instance) connect(ctx context.Context, l *life, by way) error {
	if i.launch.Protocol != runtimes.Framed {
		return nil
	}
	if i.target.Shared() {
		return i.connectSlots(ctx, l)
	}
	conn, err := i.openStream(ctx, l)
	if err != nil {
		return err
	}
	by.serve(l, conn)
	return nil
}

// openStream opens the first stream; a runtime that cannot be spoken to is ended.
func (i *Instance) openStream(ctx context.Context, l *life) (net.Conn, error) {
	conn, err := i.box.Open(ctx)
	if err != nil {
		i.life.Store(l)
		i.reset()
		return nil, fmt.Errorf("opening a stream to the runtime: %w", err)
	}
	return conn, nil
}

// watch closes the session when the process has ended. A stream ends with the process,
// and closes the session by itself when what was sent before has been read: an answer may
// be on it.
func (l *life) watch(gone <-chan struct{}, streams bool) {
	select {
	case <-l.process.Done():
	case <-gone:
		return
	}
	if streams {
		timer := time.NewTimer(exitGrace)
		defer timer.Stop()
		select {
		case <-l.session.Done():
		case <-timer.C: // something that it started holds the stream open
		case <-gone:
		}
	}
	l.session.Close(errExited)
}

// ended reports whether the runtime cannot take an invocation any more.
func (l *life) ended() bool { return l.session.Err() != nil }

// await waits for the two steps of an initialisation.
func (i *Instance) await(ctx context.Context, l *life, started time.Time) (took phases, failure *fault, err error) {
	if failure, err = i.awaitStep(ctx, l, l.session.Begun()); failure != nil || err != nil {
		return phases{runtime: time.Since(started)}, failure, err
	}
	began := l.session.BegunAt()
	took.runtime = began.Sub(started)
	if failure, err = i.awaitStep(ctx, l, l.session.Initialised()); failure != nil || err != nil {
		took.init = time.Since(began)
		return took, failure, err
	}
	if reported := l.session.InitError(); reported != nil {
		took.init = time.Since(began)
		return took, &fault{reported: reported}, nil
	}
	ready := l.session.ReadyAt()
	took.init = ready.Sub(began)
	if said := l.session.InitTook(); said > 0 {
		whole := ready.Sub(started)
		took.init = min(said, whole)
		took.runtime = whole - took.init
	}
	return took, nil, nil
}

// awaitStep waits for a step, the end of the runtime, or ctx.
func (i *Instance) awaitStep(ctx context.Context, l *life, step <-chan struct{}) (*fault, error) {
	select {
	case <-step:
		return nil, nil
	default:
	}
	select {
	case <-step:
		return nil, nil
	case <-l.session.Done():
		return i.crash(l)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// crash says why a runtime ended by itself. An error means that the box did.
func (i *Instance) crash(l *life) (*fault, error) {
	timer := time.NewTimer(exitGrace)
	defer timer.Stop()
	select {
	case <-l.process.Done():
	case <-i.box.Done():
	case <-i.done:
	case <-timer.C:
	}
	if err := i.box.Err(); err != nil && !errors.Is(err, sandbox.ErrClosed) { // first: its processes ended with it
		return nil, fmt.Errorf("sandbox died: %w", err)
	}
	if i.Err() != nil {
		return nil, errClosed // says nothing of ErrGone: the function may have the event
	}
	select {
	case <-l.process.Done():
		return i.exitFault(l.process.Exit()), nil
	default: // it lives, but its stream is lost
		return exitFault(sandbox.Exit{}, 0), nil
	}
}

// reset ends the runtime and what it left behind; the next invocation starts it
// afresh. An instance that cannot be reset ends. Preconditions: turnover is held, or
// nobody else has the instance yet.
func (i *Instance) reset() {
	l := i.life.Swap(nil)
	if l == nil {
		return
	}
	l.session.Close(errReset)
	ctx, cancel := cleanup.Context(context.Background(), closeLimit)
	defer cancel()
	if err := i.box.Reset(ctx); err != nil {
		i.giveUp(fmt.Errorf("resetting: %w", err))
		return
	}
	select { // its last output
	case <-l.process.Done():
	case <-ctx.Done():
	}
}

// giveUp ends an instance that cannot go on.
func (i *Instance) giveUp(cause error) {
	if i.Err() == nil {
		i.deps.Log.Warn("an instance failed and is closed", "instance", i.id, "function", i.target.ID.ARN(), "error", cause)
	}
	_ = i.end(context.Background(), cause) // shown by Err
}
