package light

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/output"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// waiting is an interpreter that Create started. It waits until its workload comes
// through a pipe, and ends when the pipe does.
type waiting struct {
	process *process
	start   *os.File
	stream  net.Conn // the first, opened ahead; nil for one that has its stream directly
}

// close gives up what nobody took.
func (w *waiting) close() {
	_ = w.start.Close()
	if w.stream != nil {
		_ = w.stream.Close()
	}
}

// preload starts the base's interpreter in a generic box: it forks it from the zygote,
// or else has the init execute it. Neither is waited for.
func (b *box) preload(ctx context.Context) (err error) {
	var undo cleanup.Stack
	defer undo.Run(nil)
	command := b.template.preload.Command
	p := &process{box: b, done: make(chan struct{})}
	files, start, err := p.wire(command.Direct, &undo)
	defer closeFiles(files)
	if err != nil {
		return err
	}
	if err := b.register(p); err != nil {
		return err
	}
	undo.Add(func() error { b.unregister(p); return nil })
	if err := b.startWaiting(ctx, p, command, files); err != nil {
		return err
	}
	w := &waiting{process: p, start: start}
	if !command.Direct {
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

// wire makes what a waiting interpreter inherits: one output, its stream and the pipe of
// its workload, whose other end is start.
func (p *process) wire(direct bool, undo *cleanup.Stack) (files []*os.File, start *os.File, err error) {
	out, theirs, err := output.Pipe()
	if err != nil {
		return nil, nil, err
	}
	undo.Add(func() error { out.Close(); return nil })
	files, p.outputs = append(files, theirs, theirs), []*output.Output{out}
	streams, theirs, err := stream.For(direct)
	if err != nil {
		return files, nil, err
	}
	undo.Add(streams.Close)
	files, p.streams = append(files, theirs), streams
	theirs, start, err = os.Pipe()
	if err != nil {
		return files, nil, err
	}
	undo.Add(start.Close)
	return append(files, theirs), start, nil
}

func (b *box) startWaiting(ctx context.Context, p *process, c sandbox.Command, files []*os.File) error {
	if z := b.template.zygotes.current(); z != nil {
		return z.fork(p, files)
	}
	run := b.runRequest(p.id, c)
	run.Waits = true
	run.Env = append(run.Env, fmt.Sprintf("LAMBENT_START=fd:%d", initproto.StartFD))
	return b.control.call(ctx, &initproto.Request{Run: run}, descriptorsOf(files))
}

// adopt gives a command that is to be run the interpreter that waits, and the workload to
// that. Without one, or when it has ended, it returns nil: the command is executed.
func (b *box) adopt(ctx context.Context, c sandbox.Command) *process {
	if !c.Stream || !output.Same(c.Stdout, c.Stderr) {
		return nil
	}
	b.mu.Lock()
	w := b.waiting
	b.waiting = nil
	b.mu.Unlock()
	if w == nil {
		return nil
	}
	w.process.outputs[0].Begin(c.Stdout)
	if err := w.tell(ctx, b.workloadOf(c)); err != nil {
		w.close()
		_ = w.process.Signal(syscall.SIGKILL) // it ended already, or has half of what it waits for
		return nil
	}
	_ = w.start.Close() // it has all
	w.process.began(b, true)
	b.keepEarly(w.process, w.stream)
	return w.process
}

// keepEarly has the next Open return a stream that is open already.
func (b *box) keepEarly(p *process, conn net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stream == p.streams { // it lives
		b.early = conn
	} else if conn != nil {
		_ = conn.Close()
	}
}

// tell writes the workload. Whoever reads it is our own program until it has it all.
func (w *waiting) tell(ctx context.Context, workload []byte) error {
	if w.process.ended.Load() {
		return os.ErrProcessDone
	}
	stop := context.AfterFunc(ctx, func() { _ = w.start.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err := w.start.Write(workload)
	return err
}

// workloadOf is what a waiting interpreter reads: the folder to work in and its
// variables, each ended by a zero byte.
func (b *box) workloadOf(c sandbox.Command) []byte {
	run := b.runRequest(0, c)
	var text bytes.Buffer
	for _, field := range append([]string{run.Dir}, run.Env...) {
		text.WriteString(field)
		text.WriteByte(0)
	}
	return text.Bytes()
}

// resolvePreload says what a base's preload is. Where a protection is taken away
// nothing is preloaded: the attack suite is about what the init executes.
func (d *Driver) resolvePreload(name string) (*sandbox.Preload, error) {
	if name == "" || len(d.options.Without) > 0 {
		return nil, nil
	}
	if d.options.Preload == nil {
		return nil, errors.New("light was given no interpreters to preload")
	}
	p, err := d.options.Preload(name)
	if err != nil {
		return nil, fmt.Errorf("preloading %s: %w", name, err)
	}
	return &p, checkCommand(p.Command)
}

func descriptorsOf(files []*os.File) []int {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	return fds
}
