package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// packGo builds a program for Linux as AWS advises: static, with the tag that leaves out
// the old RPC way into a function. Source: AWS Lambda Developer Guide, "Deploy Go Lambda
// functions with .zip file archives".
func packGo(ctx context.Context, s *source) ([]file, error) {
	dir, err := os.MkdirTemp("", "lambent-go-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, bootstrap)
	target := "."
	if s.single {
		target = s.entry
	}
	t := tool{
		name: "go", dir: s.dir, env: []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + runtime.GOARCH},
		args:    []string{"build", "-trimpath", "-buildvcs=false", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", out, target},
		missing: "install Go, or build the program `bootstrap` elsewhere and deploy its folder",
	}
	if err := t.run(ctx, s.options.Progress); err != nil {
		return nil, err
	}
	program, err := os.ReadFile(out)
	return []file{{name: bootstrap, executable: true, content: program}}, err
}

// tool is a program of the host that is run on sources.
type tool struct {
	name, dir string
	env, args []string
	missing   string // what to do where there is no such program
}

// run runs the tool. Its output goes to progress as it comes; of a failure the last lines
// are in the error.
func (t tool) run(ctx context.Context, progress io.Writer) error {
	path, err := exec.LookPath(t.name)
	if err != nil {
		return fmt.Errorf("%s is not on PATH: %s", t.name, t.missing)
	}
	var out bytes.Buffer
	c := exec.CommandContext(ctx, path, t.args...)
	c.Dir, c.Env, c.Stdout, c.Stderr = t.dir, append(os.Environ(), t.env...), &out, &out
	if progress != nil {
		c.Stdout = io.MultiWriter(&out, progress)
		c.Stderr = c.Stdout
	}
	c.WaitDelay = time.Second // what the tool started and left behind may hold its output
	err = c.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", filepath.Base(t.name), t.args[0], errors.Join(err, errors.New(lastLines(out.String()))))
	}
	return nil
}

// lastLines is the end of a tool's output, which says what is wrong.
func lastLines(text string) string {
	const most = 20
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
