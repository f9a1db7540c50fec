package bytecode

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
)

// Limits of the sandbox that compiles one package.
const (
	compileMemory = 512 << 20 // bytes
	compilePids   = 16
	compileWeight = 1         // of CPU: the least, cgroup v2's scale
	compileTmp    = 512 << 20 // bytes of /tmp: the size that is made ahead
	closeLimit    = 10 * time.Second
)

var errLimit = errors.New("compiling took too long")

// compile makes the variant of one package. It is not an error when the answer ends early:
// what came is used, and the log says so.
func (m *Maker) compile(ctx context.Context, u unit, c runtimes.Compiler) error {
	folder, err := u.folder(ctx, m.deps.Packages)
	if err != nil {
		return err
	}
	if enough, err := gains(folder, c); err != nil || !enough {
		return errors.Join(err, m.deps.Packages.NoVariant(u.digest, u.kind))
	}
	limited, stop := context.WithTimeoutCause(ctx, m.settings.Limit, errLimit)
	defer stop()
	answer, end, err := m.run(limited, u, c, folder)
	if err != nil {
		return err
	}
	err = m.keep(ctx, u, c, newArchive(answer))
	return errors.Join(err, end(err))
}

// keep turns an answer into a variant. An answer without bytecode makes none.
func (m *Maker) keep(ctx context.Context, u unit, c runtimes.Compiler, a *archive) error {
	first, err := a.next()
	if m.endsEarly(ctx, u, err) || err == io.EOF {
		return m.deps.Packages.NoVariant(u.digest, u.kind)
	}
	if err != nil {
		return err
	}
	return m.deps.Packages.MakeVariant(ctx, u.digest, u.kind, func(root *os.Root) error {
		p, err := placeOf(root, c)
		if err != nil {
			return err
		}
		for r := first; err == nil; r, err = a.next() {
			if err := p.put(r); err != nil {
				return err
			}
		}
		if err == io.EOF || m.endsEarly(ctx, u, err) {
			return nil
		}
		return err
	})
}

// endsEarly says whether an answer was cut short, for another reason than that the server
// closes.
func (m *Maker) endsEarly(ctx context.Context, u unit, err error) bool {
	if !errors.Is(err, io.ErrUnexpectedEOF) || ctx.Err() != nil {
		return false
	}
	m.deps.Log.Warn("a package was not compiled whole: the rest starts from source", "for", u.kind, "digest", u.digest, "limit", m.settings.Limit)
	return true
}

// run starts the compiler in a sandbox and returns what it writes. end frees the sandbox.
func (m *Maker) run(ctx context.Context, u unit, c runtimes.Compiler, folder string) (_ io.Reader, end func(error) error, err error) {
	var undo cleanup.Stack
	defer undo.Run(&err)
	box, err := m.box(ctx, u)
	if err != nil {
		return nil, nil, err
	}
	undo.Add(func() error { return closeBox(ctx, box) })
	if err := box.Bind(ctx, workload(u, c, folder)); err != nil {
		return nil, nil, fmt.Errorf("binding the sandbox: %w", err)
	}
	answer, output := io.Pipe()
	command := c.Command
	command.Args = append(command.Args[:len(command.Args):len(command.Args)], u.target)
	command.Stdout, command.Stderr = output, io.Discard
	// A Run that is cut short waits for what the compiler has begun to write.
	unread := context.AfterFunc(ctx, func() { answer.CloseWithError(context.Cause(ctx)) })
	process, err := box.Run(ctx, command)
	unread()
	if err != nil {
		return nil, nil, fmt.Errorf("running the compiler: %w", err)
	}
	ended := make(chan struct{})
	go func() { // ends with the process, which ends with the box
		defer close(ended)
		select {
		case <-process.Done():
		case <-ctx.Done():
		}
		_ = output.Close()
	}()
	free := undo.Release()
	return answer, func(err error) error {
		answer.CloseWithError(err) // nobody reads any more
		failed := free()
		<-ended
		return failed
	}, nil
}

// box makes a sandbox for which nobody waits, where a tier has such.
func (m *Maker) box(ctx context.Context, u unit) (sandbox.Sandbox, error) {
	template, err := m.deps.Templates(ctx, u.tier, sandbox.Base{
		Trust: u.account, Root: sandbox.RootHost, Tmp: compileTmp, Network: sandbox.NetworkNone,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing a template: %w", err)
	}
	create := template.Create
	if quiet, ok := template.(sandbox.Background); ok {
		create = quiet.CreateInBackground
	}
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails, see crypto/rand
	box, err := create(ctx, m.deps.Owner+"-"+hex.EncodeToString(id))
	if err != nil {
		return nil, fmt.Errorf("creating the sandbox: %w", err)
	}
	return box, nil
}

func workload(u unit, c runtimes.Compiler, folder string) sandbox.Workload {
	mounts := append([]sandbox.Mount{{Source: folder, Target: u.target}}, c.Mounts...)
	return sandbox.Workload{
		Name: "bytecode:" + u.digest, Mounts: mounts,
		Memory: compileMemory, Pids: compilePids, CPUWeight: compileWeight,
	}
}

// closeBox frees a sandbox also when ctx has ended.
func closeBox(ctx context.Context, box sandbox.Sandbox) error {
	limit, stop := cleanup.Context(ctx, closeLimit)
	defer stop()
	return box.Close(limit)
}
