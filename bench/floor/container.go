package floor

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
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Runtime is an OCI runtime of this host, and what its containers run.
type Runtime struct {
	Program string   // "/usr/sbin/runc"
	Flags   []string // of the program, before its command
	Dir     string   // of its own: bundles and state
	Show    []string // folders of the host that containers see, at the same place, beside /usr
	Args    []string // of the container's process
	Host    bool     // share the host's network: for servers

	made  atomic.Int64 // containers, for their names
	ready bool
}

// Once times a container from the start of the runtime until what its process printed has
// been read to the end, which is when the runtime has ended. It answers what was printed.
func (r *Runtime) Once(ctx context.Context, event string) (Timing, []byte, error) {
	if err := r.prepare(); err != nil {
		return Timing{}, nil, err
	}
	var out, said bytes.Buffer
	cmd := r.command(ctx, r.name())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(event), &out, &said
	sent := time.Now()
	err := cmd.Run()
	t := since(sent)
	if err != nil {
		return Timing{}, nil, fmt.Errorf("%s: %w: %s", filepath.Base(r.Program), err, firstLine(said.Bytes()))
	}
	return t, out.Bytes(), nil
}

// UntilAnswer times a container from the start of the runtime until the first bytes that its
// process printed have arrived. How it ends is waited for and not counted.
func (r *Runtime) UntilAnswer(ctx context.Context, event string) (Timing, []byte, error) {
	if err := r.prepare(); err != nil {
		return Timing{}, nil, err
	}
	out, w, err := os.Pipe()
	if err != nil {
		return Timing{}, nil, err
	}
	defer out.Close()
	var said bytes.Buffer
	cmd := r.command(ctx, r.name())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(event), w, &said
	sent := time.Now()
	err = cmd.Start()
	_ = w.Close() // so that the end of output is seen
	if err != nil {
		return Timing{}, nil, err
	}
	answer := make([]byte, 1<<16)
	n, missing := out.Read(answer)
	t := since(sent)
	if err := errors.Join(missing, cmd.Wait()); err != nil {
		return Timing{}, nil, fmt.Errorf("%s: %w: %s", filepath.Base(r.Program), err, firstLine(said.Bytes()))
	}
	return t, answer[:n], nil
}

// Serve starts a container whose process listens at the address that stands for ADDR in Args.
func (r *Runtime) Serve(ctx context.Context) (*Server, error) {
	addr, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	for i := range r.Args {
		r.Args[i] = strings.ReplaceAll(r.Args[i], "ADDR", addr)
	}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	name := r.name()
	s := &Server{Addr: addr, cmd: r.command(context.WithoutCancel(ctx), name), said: &bytes.Buffer{}, ended: make(chan struct{})}
	s.cmd.Stderr = s.said
	s.stop = func() error { return r.remove(name) }
	return s, s.start(ctx)
}

func (r *Runtime) name() string {
	return "lambent-bench-" + strconv.Itoa(os.Getpid()) + "-" + filepath.Base(r.Dir) + "-" + strconv.FormatInt(r.made.Add(1), 10)
}

func (r *Runtime) command(ctx context.Context, name string) *exec.Cmd {
	args := append(slices.Clone(r.Flags), "--root", filepath.Join(r.Dir, "state"), "run", "--bundle", r.Dir, name)
	return exec.CommandContext(ctx, r.Program, args...)
}

// remove ends a container. Its process being gone already is no error.
func (r *Runtime) remove(name string) error {
	out, err := exec.Command(r.Program, "--root", filepath.Join(r.Dir, "state"), "delete", "--force", name).CombinedOutput()
	if err != nil && !bytes.Contains(out, []byte("does not exist")) {
		return fmt.Errorf("removing container %s: %w: %s", name, err, firstLine(out))
	}
	return nil
}

// prepare writes the bundle: a root of empty folders, and what is bound over them.
func (r *Runtime) prepare() error {
	if r.ready {
		return nil
	}
	for _, name := range []string{"proc", "dev", "tmp", "usr", "etc"} {
		if err := os.MkdirAll(filepath.Join(r.Dir, "root", name), 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"bin", "lib", "lib64", "sbin"} {
		if err := os.Symlink("usr/"+name, filepath.Join(r.Dir, "root", name)); err != nil {
			return err
		}
	}
	text, err := json.Marshal(r.spec())
	if err != nil {
		return err
	}
	r.ready = true
	return os.WriteFile(filepath.Join(r.Dir, "config.json"), text, 0o600)
}

// spec is the least of the OCI runtime specification, 1.0, that isolates as a container
// usually does: namespaces but the user's, no capabilities, limits of memory and pids, no
// seccomp filter.
func (r *Runtime) spec() map[string]any {
	namespaces := []map[string]string{{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}}
	if !r.Host {
		namespaces = append(namespaces, map[string]string{"type": "network"})
	}
	return map[string]any{
		"ociVersion": "1.0.2",
		"root":       map[string]any{"path": "root", "readonly": true},
		"hostname":   "bench",
		"process": map[string]any{
			"args": r.Args, "cwd": "/", "env": []string{"PATH=/usr/bin", "LANG=C.UTF-8"},
			"user": map[string]int{"uid": 0, "gid": 0}, "noNewPrivileges": true,
		},
		"mounts": r.mounts(),
		"linux": map[string]any{
			"namespaces": namespaces,
			"resources": map[string]any{
				"memory": map[string]int64{"limit": 256 << 20},
				"pids":   map[string]int{"limit": 512},
			},
		},
	}
}

func (r *Runtime) mounts() []map[string]any {
	all := []map[string]any{
		{"destination": "/proc", "type": "proc", "source": "proc"},
		{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "mode=755", "size=64k"}},
		{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "nodev"}},
	}
	for _, folder := range append([]string{"/usr"}, r.Show...) {
		all = append(all, map[string]any{"destination": folder, "type": "bind", "source": folder, "options": []string{"rbind", "ro", "nosuid"}})
	}
	return all
}

func firstLine(text []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return string(line)
}
