package gvisor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// speak is what both sides run: Python, which waits for its workload where it is told to,
// speaks on descriptor 3 and waits for the end.
var speak = []string{"/usr/bin/python3", "-I", "-S", "-c", `import os
start = os.environ.get("LAMBENT_START")
while start and os.read(int(start[3:]), 1 << 16): pass
if start: os.close(int(start[3:]))
os.write(3, b'x')
os.read(3, 1)`}

// rest is how long a box waits before it is used: stems wait, and what was started has begun.
const rest = 200 * time.Millisecond

// speaker is a Python that waits.
func speaker(string) (sandbox.Preload, error) {
	return sandbox.Preload{Command: sandbox.Command{Path: speak[0], Args: speak[1:], Dir: "/", Stream: true, Direct: true}}, nil
}

// BenchmarkStart compares a start from a box that waits, from Bind to the first byte that a
// Python in it says, with `runsc run` of a bundle with the same program, in the same run.
func BenchmarkStart(b *testing.B) {
	d, template := newTemplateOf(b, "python", speaker)
	defer func() { _ = errors.Join(template.Close(), d.Close()) }()
	bundle := newBundle(b)
	var ours, theirs []time.Duration
	for i := 0; b.Loop(); i++ {
		ours = append(ours, startFromStem(b, template, fmt.Sprintf("bench-%d-%d", os.Getpid(), i)))
		theirs = append(theirs, startByRunsc(b, bundle, fmt.Sprintf("floor-%d-%d", os.Getpid(), i)))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	mine, floor := ours[len(ours)/2], theirs[len(theirs)/2]
	b.ReportMetric(mine.Seconds()*1000, "stem-p50-ms")
	b.ReportMetric(floor.Seconds()*1000, "runsc-p50-ms")
	b.ReportMetric(float64(mine)/float64(floor), "ratio")
}

func startFromStem(b *testing.B, t sandbox.Template, id string) time.Duration {
	b.Helper()
	box, err := t.Create(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = box.Close(context.Background()) }()
	<-time.After(rest)
	began := time.Now()
	if err := box.Bind(b.Context(), sandbox.Workload{
		Name: "bench", Memory: 128 << 20, Pids: 64, Mounts: []sandbox.Mount{{Source: b.TempDir(), Target: "/var/task"}},
	}); err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer // one output, as instances have
	if _, err := box.Run(b.Context(), sandbox.Command{
		Path: speak[0], Args: speak[1:], Stream: true, Direct: true, Stdout: &out, Stderr: &out,
	}); err != nil {
		b.Fatal(err)
	}
	conn, err := box.Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

// newBundle describes the program on the host's own root, read-only.
func newBundle(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	spec, err := json.Marshal(map[string]any{
		"ociVersion": "1.2.0", "root": map[string]any{"path": "/", "readonly": true},
		"process": map[string]any{"args": speak, "env": []string{"PATH=/usr/bin"}, "cwd": "/", "user": map[string]any{"uid": 993, "gid": 990}},
		"mounts":  []any{map[string]any{"destination": "/proc", "type": "proc", "source": "proc"}},
		"linux":   map[string]any{"namespaces": []any{map[string]any{"type": "pid"}, map[string]any{"type": "mount"}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), spec, 0o600); err != nil {
		b.Fatal(err)
	}
	return dir
}

func startByRunsc(b *testing.B, bundle, id string) time.Duration {
	b.Helper()
	host, child, err := stream.Pair(unix.SOCK_STREAM)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), runscPaths()[0], "--root", filepath.Join(bundle, "state"), "--network=none", "--ignore-cgroups",
		"--gofer-network-namespace=host", "--overlay2=none", "--host-settings=ignore", "run", "--pass-fd", "3:3", "--bundle", bundle, id)
	cmd.ExtraFiles = []*os.File{child}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	_ = child.Close()
	if _, err := host.Read(make([]byte, 1)); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	_ = host.Close()
	_ = cmd.Wait() // it said what was asked
	return took
}
