package gvisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/output"
	"lambent.dev/lambent/internal/sandbox/usage"
)

// box is one gvisor sandbox. Its life is its runsc's: watch frees everything when that ends,
// whoever ended it.
type box struct {
	agent.Box
	template *template
	folder   layout
	group    *cgroup.Group
	link     *egress.Link // nil: the stage's network, in which nothing is
	runsc    *os.Process
	said     *output.Head // by runsc and the agent
	conn     *net.UnixConn
	door     *door
	hold     *cgroup.Hold // nil: the memory limit ends the box
	free     func() error // what was taken of the host

	limiting sync.Mutex    // held while limits change
	limited  cgroup.Limits // the box's own, guarded by limiting

	mu      sync.Mutex // protects the fields below
	oomSeen int64      // kills by the memory limit that were told
	starved int64      // kills of our own, in the place of the memory limit's
}

var (
	_ sandbox.Sandbox = (*box)(nil)
	_ sandbox.Freezer = (*box)(nil)
	_ sandbox.Classed = (*box)(nil)
)

// Usage implements sandbox.Sandbox. What gVisor itself uses is in it.
func (b *box) Usage(ctx context.Context) (sandbox.Usage, error) {
	if err := errors.Join(b.Alive(), context.Cause(ctx)); err != nil {
		return sandbox.Usage{}, err
	}
	u, err := b.group.Usage()
	if errors.Is(b.Usable(), sandbox.ErrNotBound) {
		b.group.Rest() // boxes that wait are many, and read once
	}
	if closed := b.Alive(); closed != nil {
		return sandbox.Usage{}, closed
	}
	b.mu.Lock()
	u.OOMKills += b.starved
	b.mu.Unlock()
	return usage.Of(u), err
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

// Freeze implements sandbox.Freezer. It stops the function's processes inside: gVisor's own do
// not stand being stopped by the host.
func (b *box) Freeze(ctx context.Context) error { return b.setFrozen(ctx, true) }

// Thaw implements sandbox.Freezer.
func (b *box) Thaw(ctx context.Context) error { return b.setFrozen(ctx, false) }

func (b *box) setFrozen(ctx context.Context, frozen bool) error {
	return b.Ask(ctx, &agentproto.Request{Freeze: &agentproto.Freeze{Frozen: frozen}})
}

// killGroup ends all processes of gVisor.
func (b *box) killGroup() {
	if err := b.group.Kill(); err != nil {
		b.template.driver.options.Log.Warn("killing a sandbox", "sandbox", b.ID, "error", err)
	}
	_ = b.runsc.Kill() // an error says that it ended already
}

// watch waits for the end of runsc and frees the box. It is the only one that does.
func (b *box) watch() {
	state, err := b.runsc.Wait()
	b.killGroup()
	<-b.Control.Ended() // what the agent said last is heard: nobody holds its end any more
	_ = b.conn.Close()
	b.Died(b.diedBy(state, err))
	b.EndAll()
	b.door.close()
	if err := b.free(); err != nil {
		b.template.driver.options.Log.Warn("freeing a sandbox", "sandbox", b.ID, "error", err)
	}
	close(b.Freed)
}

func (b *box) diedBy(state *os.ProcessState, err error) error {
	if err != nil {
		return fmt.Errorf("waiting for runsc: %w", err)
	}
	if said := b.said.String(); said != "" {
		return fmt.Errorf("runsc ended by itself: %s: %s", state, said)
	}
	return fmt.Errorf("runsc ended by itself: %s", state)
}

// takeOOM says whether the memory limit killed something that was not told yet.
func (b *box) takeOOM() bool {
	u, err := b.group.Usage()
	b.mu.Lock()
	defer b.mu.Unlock()
	if kills := u.OOMKills + b.starved; err == nil && kills > b.oomSeen {
		b.oomSeen = kills
		return true
	}
	return false
}
