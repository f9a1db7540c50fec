package microvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/agent/wire"
	"lambent.dev/lambent/internal/sandbox/output"
)

// box is one guest. Its life is its monitor's: watch frees everything when that ends, whoever
// ended it.
type box struct {
	agent.Box
	template *template
	group    *cgroup.Group
	monitor  monitor
	process  *os.Process   // the monitor's
	gone     chan struct{} // closed when that has ended
	said     *output.Head  // by the monitor
	machine  machine       // since the guest runs
	wire     *wire.Conn
	free     func() error
	link     *egress.Link // nil: no network device
	made     sandbox.Made // since Bind

	freezing sync.Mutex // held while the guest is paused or resumed
	frozen   bool       // guarded by freezing
	taken    int64      // bytes that the balloon has; guarded by freezing

	mu      sync.Mutex // protects the fields below
	used    agentproto.Used
	oomSeen int64 // kills that were told
	waits   bool  // what Preload started was not adopted
}

var (
	_ sandbox.Sandbox = (*box)(nil)
	_ sandbox.Freezer = (*box)(nil)
	_ sandbox.Classed = (*box)(nil)
	_ sandbox.Machine = (*box)(nil)
)

// Made implements sandbox.Machine.
func (b *box) Made() sandbox.Made { return b.made }

// Usage implements sandbox.Sandbox. Memory and kills are those of commands, as their kernel counts
// them; the rest is what the host spends on the guest, its kernel and the monitor included. How
// long a thread of a guest waits for one of its processors nobody outside can tell.
func (b *box) Usage(ctx context.Context) (sandbox.Usage, error) {
	if err := errors.Join(b.Alive(), context.Cause(ctx)); err != nil {
		return sandbox.Usage{}, err
	}
	u, err := b.group.Usage()
	if errors.Is(b.Usable(), sandbox.ErrNotBound) {
		b.group.Rest() // boxes that wait are many, and read once
	}
	inside, asked := b.inside(ctx)
	if closed := b.Alive(); closed != nil {
		return sandbox.Usage{}, closed
	}
	return usageOf(u, inside), errors.Join(err, asked)
}

// inside is what commands use, or did when the guest was frozen.
func (b *box) inside(ctx context.Context) (agentproto.Used, error) {
	b.freezing.Lock()
	defer b.freezing.Unlock()
	if !b.frozen {
		m, err := b.Control.Call(ctx, &agentproto.Request{Usage: &agentproto.Usage{}})
		if err != nil {
			return agentproto.Used{}, b.Explain(ctx, err)
		}
		b.keepUsed(m.Used)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used, nil
}

// keepUsed believes a guest nothing that could not be: counters do not fall.
func (b *box) keepUsed(u *agentproto.Used) {
	if u == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used = agentproto.Used{
		Memory: max(0, u.Memory), MemoryPeak: max(b.used.MemoryPeak, u.MemoryPeak, u.Memory), OOMKills: max(b.used.OOMKills, u.OOMKills),
	}
}

func usageOf(u cgroup.Usage, inside agentproto.Used) sandbox.Usage {
	return sandbox.Usage{
		Memory: inside.Memory, MemoryPeak: inside.MemoryPeak, CPU: u.CPU, OOMKills: inside.OOMKills + u.OOMKills,
		Throttled: sandbox.Counter[time.Duration](u.Throttled), HostWaiting: sandbox.Counter[time.Duration](u.HostWaiting),
		MemoryStall: sandbox.Counter[time.Duration](u.MemoryStall), IOStall: sandbox.Counter[time.Duration](u.IOStall),
		ReadBytes: sandbox.Counter[int64](u.ReadBytes), WrittenBytes: sandbox.Counter[int64](u.WrittenBytes),
	}
}

// SetClass implements sandbox.Classed.
func (b *box) SetClass(ctx context.Context, c lambda.Class) error {
	if err := errors.Join(b.Usable(), context.Cause(ctx)); err != nil {
		return err
	}
	if err := b.group.SetBatch(c == lambda.ClassBatch); err != nil {
		return b.Explain(ctx, err)
	}
	return nil
}

// Freeze implements sandbox.Freezer: the guest's processors stand still.
func (b *box) Freeze(ctx context.Context) error {
	if err := errors.Join(b.Alive(), context.Cause(ctx)); err != nil {
		return err
	}
	if _, err := b.inside(ctx); err != nil { // the last that is known
		return err
	}
	b.freezing.Lock()
	defer b.freezing.Unlock()
	if b.frozen {
		return nil
	}
	if err := b.machine.pause(ctx); err != nil {
		return b.Explain(ctx, err)
	}
	b.frozen = true
	return nil
}

// Thaw implements sandbox.Freezer. The guest's clock stood still with it, and is set.
func (b *box) Thaw(ctx context.Context) error {
	if err := errors.Join(b.Alive(), context.Cause(ctx)); err != nil {
		return err
	}
	b.freezing.Lock()
	defer b.freezing.Unlock()
	if !b.frozen {
		return nil
	}
	if err := b.machine.resume(ctx); err != nil {
		return b.Explain(ctx, err)
	}
	b.frozen = false
	if err := b.giveBack(ctx); err != nil {
		return b.Explain(ctx, err)
	}
	return b.Ask(ctx, &agentproto.Request{Clock: &agentproto.Clock{Time: time.Now().UnixNano()}})
}

// Reset implements sandbox.Sandbox. What is frozen goes on, to its end.
func (b *box) Reset(ctx context.Context) error {
	if err := b.Usable(); err != nil {
		return err
	}
	if err := b.Thaw(ctx); err != nil {
		return err
	}
	return b.Box.Reset(ctx)
}

// killGroup ends the monitor; watch does the rest.
func (b *box) killGroup() {
	if err := b.group.Kill(); err != nil {
		b.template.driver.options.Log.Warn("killing a sandbox", "sandbox", b.ID, "error", err)
	}
	_ = b.process.Kill() // an error says that it ended already
}

// watch waits for the end of the monitor and frees the box. It is the only one that does.
func (b *box) watch() {
	go b.endWithWire()
	state, err := b.process.Wait()
	close(b.gone)
	b.killGroup()
	_ = b.wire.Close() // what was said before is read: nobody holds the other end any more
	<-b.Control.Ended()
	b.Died(b.diedBy(state, err))
	b.EndAll()
	b.Tickets.Close()
	if err := b.free(); err != nil {
		b.template.driver.options.Log.Warn("freeing a sandbox", "sandbox", b.ID, "error", err)
	}
	close(b.Freed)
}

// endWithWire ends a box that cannot be asked any more: its agent ended, or broke the rules.
func (b *box) endWithWire() {
	<-b.Control.Ended()
	b.killGroup()
}

func (b *box) diedBy(state *os.ProcessState, err error) error {
	if err != nil {
		return fmt.Errorf("waiting for the monitor: %w", err)
	}
	if said := b.said.String(); said != "" {
		return fmt.Errorf("the guest ended by itself: %s: %w: %s", state, b.wire.Err(), said)
	}
	return fmt.Errorf("the guest ended by itself: %s: %w", state, b.wire.Err())
}

// oomLimit bounds how long a guest may take to say whether its kernel killed something.
const oomLimit = 20 * time.Second

// ranOut says whether the guest's kernel, or the host's for the monitor, killed something for
// lack of memory that was not told yet.
func (b *box) ranOut() bool {
	ctx, stop := cleanup.Context(context.Background(), oomLimit)
	defer stop()
	_, _ = b.inside(ctx) // a box that ended is asked for the last time below
	outside, err := b.group.Usage()
	b.mu.Lock()
	defer b.mu.Unlock()
	kills := b.used.OOMKills
	if err == nil {
		kills += outside.OOMKills
	}
	told := kills <= b.oomSeen
	b.oomSeen = max(b.oomSeen, kills)
	return !told
}
