package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
)

// Bounds of what an instance does for its pool.
const (
	closeTimeout = 30 * time.Second
	iceTimeout   = 10 * time.Second
)

// state is what a member is doing.
type state int

const (
	starting state = iota
	idle           // in group.idle
	busy           // a request has it
	leaving        // nobody has it: its goroutine closes it
)

// member is one instance in a pool, from before its start until it is closed.
type member struct {
	group  *group
	target *lambda.Target
	memory int                     // MiB
	begun  time.Time               // its start
	open   bool                    // a request initialises it; of its own goroutine
	cancel context.CancelCauseFunc // calls the start off
	wake   chan struct{}           // holds one: look at the state
	inst   Instance                // set before group.arrive

	faults sync.Mutex // guards fault
	fault  string     // how the last invocation ended

	// Guarded by group.mu.
	state     state
	running   int    // requests that have it
	emptying  string // why it gets no other until it is empty; "" = it does
	funded    bool   // its memory is claimed
	idleSince time.Time
	ice       chan struct{} // closed when the freeze that is under way ended; nil = none
	frozen    bool
	reclaimed bool  // its memory was to be pushed out since it was last used
	freed     int64 // bytes that this gave back
	ward
}

func newMember(g *group, target *lambda.Target, cancel context.CancelCauseFunc) *member {
	return &member{
		group: g, target: target.For(g.key.Tenant), memory: target.Version.MemorySize,
		begun: time.Now(), cancel: cancel, wake: make(chan struct{}, 1),
	}
}

// begin begins to start an instance. Preconditions: group.mu is held.
func (g *group) begin(target *lambda.Target) {
	ctx, cancel := context.WithCancelCause(g.pool.ctx)
	m := newMember(g, target, cancel)
	g.starts = append(g.starts, m)
	g.pool.members.Add(1)
	g.pool.holdings.take(&target.Version)
	go m.run(ctx)
}

// run owns the instance.
func (m *member) run(ctx context.Context) {
	defer m.group.pool.members.Done()
	defer m.group.pool.holdings.drop(&m.target.Version)
	defer m.cancel(nil)
	began := time.Now()
	if err := m.start(ctx); err != nil {
		m.log(err, "instance did not start")
		m.group.fail(m, err)
		return
	}
	if !m.open {
		m.group.pace.started(time.Since(began))
		m.group.arrive(m)
	}
	m.watch(ctx)
	m.close(ctx)
	m.group.pool.memory.free(m.memory, m.memory)
}

// start claims memory and starts the instance. On an error it holds neither.
func (m *member) start(ctx context.Context) error {
	p := m.group.pool
	if err := p.memory.claim(ctx, m.memory, p.reclaim); err != nil {
		return err
	}
	return m.startFunded(ctx)
}

// startFunded is start with the memory claimed.
func (m *member) startFunded(ctx context.Context) error {
	err := errNotNeeded
	if m.group.fund(m) {
		err = m.launch(ctx)
	}
	if err != nil {
		m.group.pool.memory.free(m.memory, 0)
	}
	return err
}

func (m *member) launch(ctx context.Context) (err error) {
	defer m.group.pool.calm.begin()()
	if m.provisioned() || m.snapshot {
		return m.launchAhead(ctx)
	}
	p := m.group.pool
	limit := p.settings.StartTimeout
	if m.target.SnapStarts() {
		limit += instance.InitLimit(&m.target.Version)
	}
	ctx, stop := context.WithTimeoutCause(ctx, limit, errStartTimeout)
	defer stop()
	preparer, ok := p.starter.(Preparer)
	if !ok || m.target.SnapStarts() {
		m.inst, err = p.starter.Start(ctx, m.target)
		return err
	}
	return m.launchInTwo(ctx, preparer)
}

// watch returns when the instance is to be closed.
func (m *member) watch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	ended := m.inst.Done()
	for {
		select {
		case <-ctx.Done(): // Close of the pool, in a hurry
			m.abort()
			return
		case <-ended:
			ended = nil
		case <-m.wake:
		case <-timer.C:
		}
		next, stay := m.tend(ctx)
		if !stay {
			return
		}
		timer.Reset(next)
	}
}

// abort makes the instance leave, whoever has it.
func (m *member) abort() {
	g := m.group
	g.mu.Lock()
	defer g.mu.Unlock()
	switch m.state {
	case idle:
		g.dismiss(m, whyClosing)
	case busy:
		g.leave(m, whyClosing)
	}
}

// tend does what is due: it lets an idle instance leave or freezes it. It returns when
// to look again. An instance that is busy needs no look before the time for which it
// could be idle, so requests wake nobody.
func (m *member) tend(ctx context.Context) (next time.Duration, stay bool) {
	g := m.group
	g.mu.Lock()
	defer g.unlock()
	m.dismissIfDue()
	if m.state == leaving {
		return 0, false
	}
	if m.freezeDue() {
		m.freeze(ctx)
	}
	if m.reclaimDue() {
		m.reclaim(ctx)
	}
	return m.look(), true
}

// dismissIfDue lets an idle instance leave that ended or was not used for long.
// Preconditions: group.mu is held.
func (m *member) dismissIfDue() {
	keepAlive := m.group.keepAlive()
	switch {
	case m.state != idle:
	case m.ended():
		m.group.dismiss(m, whyEnded)
	case m.provisioned(), m.snapshot:
	case time.Since(m.idleSince) >= keepAlive:
		m.group.dismiss(m, m.group.whyExpired(keepAlive))
	}
}

// freezeDue says whether the instance is to be frozen now. Preconditions: group.mu is
// held.
func (m *member) freezeDue() bool {
	after := m.freezeAfter()
	return m.state == idle && after >= 0 && !m.frozen && !m.provisioned() && time.Since(m.idleSince) >= after
}

// freezeAfter is after what idle time it is to be frozen, below 0 never. Nothing runs in a
// snapshot. Preconditions: group.mu is held.
func (m *member) freezeAfter() time.Duration {
	after := m.group.pool.settings.FreezeAfter
	if m.snapshot {
		return min(after, 0)
	}
	return after
}

// look says in what time something may be due. Preconditions: group.mu is held.
func (m *member) look() time.Duration {
	if m.provisioned() {
		return time.Hour // what is due for it wakes it
	}
	due := m.group.keepAlive()
	if m.snapshot {
		due = max(due, time.Hour) // what is due for it wakes it
	}
	if after := m.freezeAfter(); after >= 0 && !m.frozen {
		due = min(due, after)
	}
	if after, wanted := m.reclaimAfter(); wanted && m.frozen && !m.reclaimed {
		due = min(due, after)
	}
	if m.state == idle {
		return m.group.keeping.look(max(due-time.Since(m.idleSince), 0))
	}
	if due == 0 {
		return time.Hour // group.offer nudges
	}
	return m.group.keeping.look(due)
}

// freeze freezes the idle instance. A request may take it meanwhile: it waits for
// m.ice. Preconditions: group.mu is held; it is given up for the while.
func (m *member) freeze(ctx context.Context) {
	done := make(chan struct{})
	m.ice = done
	m.group.mu.Unlock()
	ctx, stop := context.WithTimeoutCause(ctx, iceTimeout, errIceTimeout)
	defer stop()
	m.log(m.inst.Freeze(ctx), "instance was not frozen")
	m.group.mu.Lock()
	m.frozen = true // also after an error: a thaw does no harm, and it is not tried for ever
	m.ice = nil
	close(done)
}

// thaw readies the instance for the request that took it. When it cannot, the instance
// leaves and the error wraps ErrGone. The caller's ctx does not cut it short: an
// instance that is half thawed is of no use to anybody.
func (m *member) thaw(ctx context.Context, ice <-chan struct{}) error {
	if ice != nil {
		<-ice
	}
	ctx, stop := cleanup.Context(ctx, iceTimeout)
	defer stop()
	err := m.inst.Thaw(ctx)
	m.group.endThaw(m, err == nil)
	if err != nil {
		m.log(err, "instance was not thawed")
		m.group.release(m, whyEnded)
		return fmt.Errorf("thawing instance %s: %w: %w", m.inst.ID(), instance.ErrGone, err)
	}
	m.nudge() // what is due next has changed
	return nil
}

// close ends the instance, when it is in nobody's way or somebody waits for its memory. Nothing
// is owed to a caller any more, so errors go to the log.
func (m *member) close(ctx context.Context) {
	defer m.group.pool.calm.await(ctx, m.group.pool.memory.wanted)()
	ctx, stop := cleanup.Context(ctx, closeTimeout)
	defer stop()
	m.log(m.inst.Close(ctx), "instance was not closed cleanly")
}

// nudge makes the instance's goroutine look at its state.
func (m *member) nudge() {
	select {
	case m.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// ended says whether the instance ended by itself.
func (m *member) ended() bool {
	select {
	case <-m.inst.Done():
		return true
	default:
		return false
	}
}

// log writes an error that no request is told.
func (m *member) log(err error, message string) {
	if err == nil || errors.Is(err, errNotNeeded) {
		return
	}
	key := m.group.key
	m.group.pool.settings.Log.Warn(message, "function", key.Function.Name, "version", key.Version, "error", err)
}
