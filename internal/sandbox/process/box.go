package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"lambent.dev/lambent/internal/sandbox"
)

// box implements sandbox.Sandbox.
type box struct {
	id   string
	dir  string // on the host; also the marker of its processes
	room int64  // bytes that one file may have; 0 = no limit
	log  *slog.Logger
	done chan struct{}

	life context.Context         // ends at Close; its cause wraps ErrClosed
	kill context.CancelCauseFunc // ends life

	// starting is held by Run while it starts a command, and by Close and
	// Reset to wait until no start is under way. It is locked before mu.
	starting sync.RWMutex

	mu        sync.Mutex // protects following fields
	bound     bool
	closed    bool
	workload  sandbox.Workload
	paths     paths
	processes map[*process]struct{} // not ended, or their output is still read
	channel   *process              // most recent with Stream; nil before the first
	listeners []net.Listener
	past      counters // of processes that ended
	census    census   // of its processes, the latest

	closing sync.Mutex // one Close at a time
}

func newBox(id, dir string, room int64, log *slog.Logger) *box {
	life, kill := context.WithCancelCause(context.Background())
	return &box{
		id: id, dir: dir, room: room, log: log, done: make(chan struct{}), life: life, kill: kill,
		processes: map[*process]struct{}{},
	}
}

// within returns ctx bounded by the life of the box, and a function that frees it.
func (b *box) within(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(b.life, func() { cancel(context.Cause(b.life)) })
	return ctx, func() { stop(); cancel(nil) }
}

func (b *box) closedErr(doing string) error {
	return fmt.Errorf("%s box %s: %w", doing, b.id, sandbox.ErrClosed)
}

// Bind implements the method of sandbox.Sandbox.
func (b *box) Bind(ctx context.Context, w sandbox.Workload) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return b.closedErr("binding")
	case b.bound:
		return fmt.Errorf("binding box %s: %w", b.id, sandbox.ErrBound)
	}
	if err := errors.Join(context.Cause(ctx), checkMounts(w.Mounts)); err != nil {
		return fmt.Errorf("binding box %s: %w", b.id, err)
	}
	b.workload = w
	b.paths = newPaths(w.Mounts, b.tmp())
	b.bound = true
	return nil
}

func checkMounts(mounts []sandbox.Mount) error {
	for _, m := range mounts {
		if !filepath.IsAbs(m.Source) || !filepath.IsAbs(m.Target) {
			return fmt.Errorf("mount of %q on %q: want absolute paths", m.Source, m.Target)
		}
		info, err := os.Stat(m.Source)
		if err != nil {
			return fmt.Errorf("mount on %s: %w", m.Target, err)
		}
		if !info.IsDir() {
			return fmt.Errorf("mount on %s: %s is not a folder", m.Target, m.Source)
		}
	}
	return nil
}

func (b *box) tmp() string { return filepath.Join(b.dir, "tmp") }

// usable says whether doing something with a bound box is possible; mu is held.
func (b *box) usable(doing string) error {
	switch {
	case b.closed:
		return b.closedErr(doing)
	case !b.bound:
		return fmt.Errorf("%s box %s: %w", doing, b.id, sandbox.ErrNotBound)
	}
	return nil
}

func (b *box) check(doing string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.usable(doing)
}

// Reset implements the method of sandbox.Sandbox.
func (b *box) Reset(ctx context.Context) error {
	if err := b.check("resetting"); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := b.end(ctx); err != nil {
		return errors.Join(fmt.Errorf("resetting box %s: %w", b.id, err), b.check("resetting"))
	}
	return b.check("resetting")
}

// end kills everything in the box and waits until it is gone.
func (b *box) end(ctx context.Context) error {
	b.starting.Lock()
	defer b.starting.Unlock()
	running := b.running()
	err := killMembers(ctx, b.dir, sessions(running))
	for _, p := range running {
		err = errors.Join(err, p.finish(ctx))
	}
	return err
}

// sessions returns the session ids of commands that have not ended.
func sessions(running []*process) []int {
	var ids []int
	for _, p := range running {
		if !p.ended() {
			ids = append(ids, p.cmd.Process.Pid)
		}
	}
	return ids
}

func (b *box) running() []*process {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*process, 0, len(b.processes))
	for p := range b.processes {
		all = append(all, p)
	}
	return all
}

// Done implements the method of sandbox.Sandbox.
func (b *box) Done() <-chan struct{} { return b.done }

// Err implements the method of sandbox.Sandbox. A box of this tier dies by Close only.
func (b *box) Err() error {
	select {
	case <-b.done:
		return b.closedErr("using")
	default:
		return nil
	}
}

// Close implements the method of sandbox.Sandbox.
func (b *box) Close(ctx context.Context) error {
	b.closing.Lock()
	defer b.closing.Unlock()
	select {
	case <-b.done:
		return nil
	default:
	}
	for _, l := range b.shut() {
		_ = l.Close() // a second close of a listener that its user closed
	}
	if err := b.end(ctx); err != nil {
		return fmt.Errorf("closing box %s: %w", b.id, err)
	}
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("closing box %s: %w", b.id, err)
	}
	close(b.done)
	return nil
}

// shut makes all later calls fail and hands over what is to be closed.
func (b *box) shut() []net.Listener {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.kill(b.closedErr("using"))
	listeners := b.listeners
	b.listeners = nil
	return listeners
}

// Freeze implements the method of sandbox.Freezer.
func (b *box) Freeze(ctx context.Context) error {
	if err := b.check("freezing"); err != nil {
		return err
	}
	return stopMembers(ctx, b.dir, sessions(b.running()))
}

// Thaw implements the method of sandbox.Freezer.
func (b *box) Thaw(ctx context.Context) error {
	if err := b.check("thawing"); err != nil {
		return err
	}
	return signalMembers(ctx, b.dir, sessions(b.running()), syscall.SIGCONT)
}
