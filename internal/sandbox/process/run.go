package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// markerName is the environment variable by which a box's processes are found again.
const markerName = "LAMBENT_BOX"

// Run implements the method of sandbox.Sandbox.
func (b *box) Run(ctx context.Context, c sandbox.Command) (_ sandbox.Process, err error) {
	b.starting.RLock()
	defer b.starting.RUnlock()
	if err := b.check("running a command in"); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	var undo cleanup.Stack
	defer undo.Run(&err)
	if err := hideDescriptors(); err != nil {
		return nil, fmt.Errorf("running %s: %w", c.Path, err)
	}
	p, err := b.prepare(c, &undo)
	if err != nil {
		return nil, fmt.Errorf("running %s: %w", c.Path, err)
	}
	if err := p.start(); err != nil {
		return nil, fmt.Errorf("running %s: %w", c.Path, err)
	}
	undo.Release()
	b.register(p, c.Stream)
	return p, nil
}

// prepare makes the process that is to be started, its pipes and its stream channel.
func (b *box) prepare(c sandbox.Command, undo *cleanup.Stack) (*process, error) {
	path := b.paths.one(c.Path)
	if err := checkProgram(path); err != nil {
		return nil, err
	}
	p := &process{box: b, gone: make(chan struct{}), done: make(chan struct{})}
	p.cmd = exec.Command("/bin/sh", append(b.shell(path), b.paths.values(c.Args)...)...)
	p.cmd.Dir = b.paths.one(c.Dir)
	if c.Dir == "" {
		p.cmd.Dir = "/"
	}
	p.cmd.Env = b.env(c)
	p.cmd.SysProcAttr = attributes()
	if err := p.attach(c, undo); err != nil {
		return nil, err
	}
	return p, nil
}

// checkProgram finds out ahead what a shell would only print.
func checkProgram(path string) error {
	if !filepath.IsAbs(path) {
		return errors.New("want an absolute path")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return syscall.EISDIR
	case info.Mode()&0o111 == 0:
		return syscall.EACCES
	}
	return nil
}

// env is what the command finds in its environment; a later value wins.
func (b *box) env(c sandbox.Command) []string {
	env := []string{"TMPDIR=/tmp"}
	env = append(append(env, b.workload.Env...), c.Env...)
	env = b.paths.env(env)
	if c.Stream {
		env = append(env, stream.Variable(c.Direct, streamFD))
	}
	return append(env, markerName+"="+b.dir)
}

// firstHidden is the first descriptor after stderr.
const firstHidden = 3

const (
	openFiles       = 1024      // as on Lambda (Developer Guide, "Lambda quotas")
	memoryAllowance = 256 << 20 // bytes that allocators and thread stacks reserve but hardly use
)

// shell returns the arguments of a shell that sets limits and becomes the program at
// path. Limits must be set between fork and exec, where Go runs no code of ours.
func (b *box) shell(path string) []string {
	var script strings.Builder
	limit := func(option string, value int64) {
		fmt.Fprintf(&script, "ulimit -%s %d 2>/dev/null; ", option, value)
	}
	limit("c", 0)
	limit("n", openFiles)
	if b.workload.Memory > 0 {
		limit("d", (b.workload.Memory+memoryAllowance)>>10) // in KiB
	}
	if b.room > 0 {
		limit("f", b.room>>9) // in blocks of 512 bytes, POSIX ulimit
	}
	script.WriteString(`unset PWD OLDPWD; exec "$@"`)
	return []string{"-c", script.String(), "sh", path}
}

// register makes p known; it is forgotten when its output has ended.
func (b *box) register(p *process, stream bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.processes[p] = struct{}{}
	if stream {
		b.channel = p
	}
	go p.forget()
}

// start starts the command and the goroutine that waits for it. That goroutine keeps
// its thread: Linux sends the signal of a parent's death when the thread that
// forked ends (prctl(2), PR_SET_PDEATHSIG).
func (p *process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		p.closeChildEnds()
		started <- err
		if err == nil {
			p.wait()
		}
	}()
	return <-started
}
