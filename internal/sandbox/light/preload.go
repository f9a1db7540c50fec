package light

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/light/zygote"
	"lambent.dev/lambent/internal/sandbox/output"
	"lambent.dev/lambent/internal/sandbox/stream"
	"lambent.dev/lambent/internal/sandbox/templates"
)

// waiting is a command that Create started: an interpreter, or what executes a program. It
// waits until its workload comes, and ends without one.
type waiting struct {
	process *process
	start   *net.UnixConn
	stream  net.Conn // the first, opened ahead; nil for one that has its stream directly, or none
	command sandbox.Command
}

// executes says whether it becomes the program that is to be run, whatever that is.
func (w *waiting) executes() bool { return w.command.Path == "" }

// close gives up what nobody took.
func (w *waiting) close() {
	_ = w.start.Close()
	if w.stream != nil {
		_ = w.stream.Close()
	}
}

// preload starts a template's interpreter in a generic box: it forks it from the zygote, which
// is not waited for, or else has the init execute it when that has finished the box. It
// rehearses where there is time.
func (b *box) preload(ctx context.Context, t *template, rehearse bool) (err error) {
	var undo cleanup.Stack
	defer undo.Run(nil)
	command := t.preload.Command
	p := &process{box: b, done: make(chan struct{})}
	files, start, err := p.wire(command, &undo)
	defer closeFiles(files)
	if err != nil {
		return err
	}
	if err := b.register(p); err != nil {
		return err
	}
	undo.Add(func() error { b.unregister(p); return nil })
	if err := t.startWaiting(ctx, p, rehearse, files); err != nil {
		return err
	}
	w := &waiting{process: p, start: start, command: command}
	if command.Stream && !command.Direct {
		if w.stream, err = p.streams.Open(ctx); err != nil {
			return err
		}
		undo.Add(w.stream.Close)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.aliveLocked(); err != nil {
		return err
	}
	b.waiting = w
	undo.Release()
	return nil
}

// letIn tells a zygote's child that the box is finished. Until it has heard that the child
// has more rights than a function.
func (b *box) letIn() error {
	b.mu.Lock()
	w := b.waiting
	b.mu.Unlock()
	if w == nil || w.process.forked == nil {
		return nil
	}
	_, err := w.start.Write([]byte(zygote.Ready))
	return err
}

// wire makes what a waiting command inherits: one output, its stream if it has any, and
// where its workload comes from, whose other end is start.
func (p *process) wire(c sandbox.Command, undo *cleanup.Stack) (files []*os.File, start *net.UnixConn, err error) {
	out, theirs, err := output.Pipe()
	if err != nil {
		return nil, nil, err
	}
	undo.Add(func() error { out.Close(); return nil })
	files, p.outputs = append(files, theirs, theirs), []*output.Output{out}
	if c.Stream {
		streams, theirs, err := stream.For(c.Direct)
		if err != nil {
			return files, nil, err
		}
		undo.Add(streams.Close)
		files, p.streams = append(files, theirs), streams
	}
	start, theirs, err = stream.ConnPair(unix.SOCK_STREAM)
	if err != nil {
		return files, nil, err
	}
	undo.Add(start.Close)
	return append(files, theirs), start, nil
}

func (t *template) startWaiting(ctx context.Context, p *process, rehearse bool, files []*os.File) error {
	if z := t.zygotes.current(); z != nil {
		return z.fork(p, rehearse, files)
	}
	c := t.preload.Command
	run := p.box.runRequest(p.id, c)
	run.Waits = true
	run.Env = append(run.Env, fmt.Sprintf("LAMBENT_START=fd:%d", len(files))) // the last; 0 is not in files
	if rehearse {
		run.Env = append(run.Env, "LAMBENT_REHEARSE=1")
	}
	if c.Path == "" {
		run.Env = initEnv
	}
	return p.box.control.call(ctx, &initproto.Request{Run: run}, descriptorsOf(files))
}

// adopt gives a command that is to be run what waits, and the workload to that. Without
// one that fits, or when it has ended, it returns nil: the command is executed. An error is
// that of the program, which could not be executed.
func (b *box) adopt(ctx context.Context, c sandbox.Command) (*process, error) {
	w := b.takeWaiting(c)
	if w == nil {
		return nil, nil
	}
	w.process.outputs[0].Begin(c.Stdout)
	if err := w.tell(ctx, b.workloadOf(c, w)); err != nil {
		w.close()
		_ = w.process.Signal(syscall.SIGKILL) // it ended already, or has half of what it waits for
		return nil, nil
	}
	defer func() { _ = w.start.Close() }()
	if w.executes() {
		return w.executed(ctx, c.Path)
	}
	w.process.began(b, true)
	b.keepEarly(w.stream)
	return w.process, nil
}

// takeWaiting takes out what waits if it can become the command.
func (b *box) takeWaiting(c sandbox.Command) *waiting {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.waiting
	if w == nil || c.Stream == w.executes() || !output.Same(c.Stdout, c.Stderr) {
		return nil
	}
	b.waiting = nil
	return w
}

// executed waits until the program runs, which closes the socket, or learns why not.
func (w *waiting) executed(ctx context.Context, path string) (*process, error) {
	stop := context.AfterFunc(ctx, func() { _ = w.start.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	reply, err := io.ReadAll(w.start)
	if len(reply) == 4 {
		errno := syscall.Errno(binary.NativeEndian.Uint32(reply))
		return nil, w.process.box.named(&os.PathError{Op: "starting", Path: path, Err: errno})
	}
	if err != nil {
		_ = w.process.Signal(syscall.SIGKILL)
		return nil, w.process.box.explain(ctx, fmt.Errorf("running %s: %w", path, err))
	}
	return w.process, nil
}

// keepEarly has the next Open return a stream that is open already, also of a process that has
// said what it had to say and ended.
func (b *box) keepEarly(conn net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.early.Keep(conn)
	if b.aliveLocked() != nil {
		b.early.Drop()
	}
}

// tell writes the workload. Whoever reads it is our own program until it has it all.
func (w *waiting) tell(ctx context.Context, workload []byte) error {
	if w.process.ended.Load() {
		return os.ErrProcessDone
	}
	stop := context.AfterFunc(ctx, func() { _ = w.start.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := w.start.Write(workload); err != nil {
		return err
	}
	return w.start.CloseWrite()
}

func (b *box) workloadOf(c sandbox.Command, w *waiting) []byte {
	run := b.runRequest(0, c)
	workload := initproto.Workload{Dir: run.Dir, Path: run.Path, Args: run.Args, Env: run.Env}
	if w.executes() {
		return workload.Execution()
	}
	return workload.Text()
}

// resolvePreload says what a base's preload is. Where a protection is taken away
// nothing is preloaded: the attack suite is about what the init executes.
func (d *Driver) resolvePreload(name string) (*sandbox.Preload, error) {
	p, err := templates.Preload(lambda.TierLight, d.options.Preload, len(d.options.Without) > 0, name)
	if p == nil || err != nil {
		return nil, err
	}
	if p.Command.Path == "" {
		return p, nil
	}
	return p, p.Command.Check()
}

func descriptorsOf(files []*os.File) []int {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	return fds
}
