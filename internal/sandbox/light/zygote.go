package light

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/landlock"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/light/zygote"
	"lambent.dev/lambent/internal/sandbox/output"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// zygoteLimit bounds the start of a zygote, which loads a library from a cold disk at
// worst.
const zygoteLimit = 20 * time.Second

// bindNow has the dynamic linker look symbols up in the zygote, once, and not in each child that
// needs one first, with a copied page for every few (ld.so(8)). The zygote takes it away.
const bindNow = "LD_BIND_NOW=1"

// killedWithZygote is the end of a child whose zygote ended first.
var killedWithZygote = initproto.Exit{Signal: syscall.SIGKILL}

// forker is a zygote: a process in the template's root that forks interpreters into boxes.
// It has rights on the host, and runs nothing but our own program.
type forker struct {
	template *template
	conn     *zygote.Conn
	process  *child
	born     time.Time
	free     func() error
	done     chan struct{} // closed when it is gone and everything freed

	mu       sync.Mutex // protects the fields below
	last     uint64
	children map[uint64]*process // forked and not known to have ended
	retired  bool                // it ends with its last child
	ended    bool
}

// forked says where a process came from.
type forked struct {
	by *forker
	id uint64
}

func (f *forked) signal(number syscall.Signal) error {
	if err := f.by.conn.Signal(f.id, int(number)); err != nil {
		return os.ErrProcessDone
	}
	return nil
}

// startForker starts a zygote and waits until it has loaded.
func (t *template) startForker(ctx context.Context) (_ *forker, err error) {
	var undo cleanup.Stack
	defer undo.Run(&err)
	ctx, stop := context.WithTimeoutCause(ctx, zygoteLimit, errors.New("the zygote took too long to load"))
	defer stop()
	f := &forker{template: t, born: time.Now(), done: make(chan struct{}), children: make(map[uint64]*process)}
	t.users.Join()
	undo.Add(t.users.Leave)
	if err := f.start(&undo); err != nil {
		return nil, fmt.Errorf("starting a zygote: %w", err)
	}
	setup, err := t.zygoteSetup()
	if err != nil {
		return nil, err
	}
	if err := f.conn.Setup(ctx, setup); err != nil {
		return nil, fmt.Errorf("starting a zygote: %w", err)
	}
	f.free = undo.Release()
	go f.watch()
	return f, nil
}

func (t *template) zygoteSetup() (s zygote.Setup, err error) {
	s = zygote.Setup{UID: t.setup.UID, GID: t.setup.GID, Hostname: t.setup.Hostname, Limits: initproto.Limits()}
	if len(t.setup.Writable) > 0 {
		s.Handled, s.Places = landlock.Handled, landlock.Places(t.setup.Writable...)
	}
	if s.Filter, err = assemble(append(slices.Clip(policy), entering)); err != nil { // its children attach nothing
		return s, err
	}
	s.Final, err = deny(entering)
	return s, err
}

func (f *forker) start(undo *cleanup.Stack) error {
	t := f.template
	group, err := t.cgroups.Create(t.driver.options.Owner, t.driver.zygoteName(), cgroup.Limits{})
	if err != nil {
		return err
	}
	undo.Add(group.Close)
	socket, theirs, err := stream.ConnPair(unix.SOCK_SEQPACKET)
	if err != nil {
		return err
	}
	defer func() { _ = theirs.Close() }()
	f.conn = zygote.NewConn(socket)
	undo.Add(f.conn.Close)
	log, said, err := output.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = said.Close() }()
	log.Begin(sayer{t.driver.options.Log})
	undo.Add(func() error { log.Close(); return nil })
	if err := f.exec(group, said, theirs); err != nil {
		return err
	}
	undo.Add(f.kill)
	return nil
}

// exec starts the program in the template's root, outside of any box.
func (f *forker) exec(group *cgroup.Group, said, control *os.File) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = null.Close() }()
	t := f.template
	f.process, err = t.spawner.spawn(place{root: t.root, group: group, flags: unix.CLONE_NEWUTS}, initproto.Spawn{
		Path: t.preload.Zygote[0], Args: t.preload.Zygote, Env: append(slices.Clip(t.preload.Command.Env), bindNow),
	}, []*os.File{null, null, said, control})
	return err
}

func (f *forker) kill() error {
	f.process.kill()
	return errors.Join(f.process.wait(), f.process.close())
}

// zygoteName names a zygote's group; no sandbox has such an id.
func (d *Driver) zygoteName() string { return "zygote-" + strconv.FormatUint(d.zygotes.Add(1), 10) }

// sayer writes what a zygote says to the daemon's log: it speaks of failures only.
type sayer struct{ log *slog.Logger }

// Write implements io.Writer.
func (s sayer) Write(text []byte) (int, error) {
	const most = 2000
	s.log.Warn("a zygote says", "text", string(text[:min(len(text), most)]))
	return len(text), nil
}

// fork has p forked into its box. How it ends is told by watch. A box that somebody waits for
// gets no rehearsal, which takes longer than what it saves.
func (f *forker) fork(p *process, rehearse bool, files []*os.File) error {
	b := p.box
	doors, err := b.group.Doors()
	if err != nil {
		return err
	}
	defer closeFiles(doors)
	id, err := f.adopt(p)
	if err != nil {
		return err
	}
	fds := descriptorsOf(files) // output twice, stream, start
	failed := b.init.control(func(init int) {
		err = f.conn.Fork(id, rehearse, init, fds[0], fds[2], fds[3], descriptorsOf(doors))
	})
	if err := errors.Join(failed, err); err != nil {
		f.orphan(id)
		return err
	}
	return nil
}

// adopt makes p a child before it is one: it may end before its fork is answered.
func (f *forker) adopt(p *process) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return 0, fmt.Errorf("the zygote ended: %w", sandbox.ErrClosed)
	}
	f.last++
	f.children[f.last] = p
	p.forked = &forked{f, f.last}
	return f.last, nil
}

// orphan forgets a child; the last of a retired zygote takes it along.
func (f *forker) orphan(id uint64) *process {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.children[id]
	delete(f.children, id)
	f.endIfDone()
	return p
}

// endIfDone ends a zygote that nobody needs. Preconditions: mu is held.
func (f *forker) endIfDone() {
	if f.retired && len(f.children) == 0 {
		_ = f.conn.Close()
	}
}

// retire lets the zygote end with its last child.
func (f *forker) retire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retired = true
	f.endIfDone()
}

// watch tells of children until the zygote ends; with it they have ended, too.
func (f *forker) watch() {
	for {
		e, err := f.conn.Receive()
		if err != nil {
			f.end(err)
			return
		}
		p := f.orphan(e.ID)
		if p == nil {
			continue
		}
		exit := initproto.Exit{ID: p.id, Code: e.Exit.Code, Signal: syscall.Signal(e.Exit.Signal)}
		if e.Error != "" {
			f.template.driver.options.Log.Warn("a zygote did not fork", "sandbox", p.box.id, "error", e.Error)
			exit.Code = 1
		}
		p.box.exited(exit)
	}
}

func (f *forker) end(cause error) {
	defer close(f.done)
	f.mu.Lock()
	left, retired := f.children, f.retired
	f.children, f.ended = nil, true
	f.mu.Unlock()
	if err := f.free(); err != nil && !retired {
		f.template.driver.options.Log.Warn("a zygote ended", "cause", cause, "error", err)
	}
	for _, p := range left {
		killed := killedWithZygote
		killed.ID = p.id
		p.box.exited(killed)
	}
}
