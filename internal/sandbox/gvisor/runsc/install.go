package runsc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoGo is wrapped where there is no Go to build with.
var ErrNoGo = errors.New("building runsc needs Go on this machine, 1.26 or newer: see https://go.dev/doc/install")

// Install puts runsc into a folder, which it makes where it is missing, and says on progress
// what it does. One that is there and right stays. The build takes some minutes the first time.
func Install(ctx context.Context, dir string, progress io.Writer) error {
	path := filepath.Join(dir, Name)
	if Check(path) == nil {
		fmt.Fprintf(progress, "%s is there: gVisor %s\n", path, Version)
		return nil
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return ErrNoGo
	}
	fmt.Fprintf(progress, "fetching %s %s\n", Module, Version)
	if err := fetch(ctx, tool); err != nil {
		return fmt.Errorf("fetching gVisor: %w", err)
	}
	fmt.Fprintf(progress, "building runsc with %s: some minutes the first time\n", tool)
	if err := build(ctx, tool, path); err != nil {
		return fmt.Errorf("building runsc: %w", err)
	}
	fmt.Fprintf(progress, "%s is ready\n", path)
	return nil
}

// fetch downloads the module and compares it with what was tested.
func fetch(ctx context.Context, tool string) error {
	out, err := run(ctx, tool, nil, "mod", "download", "-json", Module+"@"+Version)
	if err != nil {
		return err
	}
	var got struct{ Sum, Error string }
	if err := json.Unmarshal(out, &got); err != nil {
		return fmt.Errorf("%s mod download said %q: %w", tool, out, err)
	}
	if got.Error != "" {
		return errors.New(got.Error)
	}
	if got.Sum != Sum {
		return fmt.Errorf("the module has checksum %s, want %s: it is not what was published", got.Sum, Sum)
	}
	return nil
}

// build builds beside the destination and moves the program there when it is whole.
func build(ctx context.Context, tool, path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), "unfinished-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if _, err := run(ctx, tool, []string{"GOBIN=" + dir}, "install", "-trimpath", "-ldflags", "-s -w", command+"@"+Version); err != nil {
		return err
	}
	made := filepath.Join(dir, Name)
	if err := Check(made); err != nil {
		return err
	}
	if err := os.Chmod(made, 0o755); err != nil {
		return err
	}
	return os.Rename(made, path)
}

// run runs Go outside of any module and returns what it prints.
func run(ctx context.Context, tool string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = os.TempDir()
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off"), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(append(stderr.Bytes(), errorOf(out)...)))
	}
	return out, nil
}

// errorOf finds what go mod download reports on its output.
func errorOf(out []byte) string {
	var got struct{ Error string }
	_ = json.Unmarshal(out, &got) // anything else has none
	return got.Error
}
