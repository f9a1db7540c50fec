package process_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/process"
)

func TestRefusesUnlessAllowed(t *testing.T) {
	d := process.New(process.Options{Owner: "me", Dir: t.TempDir()})
	f, err := d.Probe(t.Context())
	if !errors.Is(err, sandbox.ErrUnavailable) || !strings.Contains(err.Error(), "allow") {
		t.Errorf("Probe = %v, want ErrUnavailable and how to allow it", err)
	}
	if len(f.Checks) == 0 || f.Checks[0].OK || f.Checks[0].Fix == "" {
		t.Errorf("checks = %+v, want the one that failed, with a fix", f.Checks)
	}
	if _, err := d.Prepare(t.Context(), sandbox.Base{Root: sandbox.RootHost}); !errors.Is(err, sandbox.ErrUnavailable) {
		t.Errorf("Prepare = %v, want ErrUnavailable", err)
	}
}

func TestRefusesBadOptions(t *testing.T) {
	for _, o := range []process.Options{
		{Owner: "", Dir: t.TempDir()}, {Owner: "a/b", Dir: t.TempDir()}, {Owner: "me", Dir: "relative"},
	} {
		o.Allow = true
		if _, err := process.New(o).Probe(t.Context()); err == nil {
			t.Errorf("Probe took %+v", o)
		}
	}
}

func TestReapKeepsOtherFolders(t *testing.T) {
	dir := t.TempDir()
	for _, owner := range []string{"dead", "alive"} {
		if err := os.MkdirAll(filepath.Join(dir, owner, "box", "tmp"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	d := process.New(process.Options{Owner: "me", Dir: dir, Allow: true})
	if err := d.Reap(t.Context(), func(owner string) bool { return owner == "alive" }); err != nil {
		t.Fatalf("Reap: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "dead")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dead owner's folder: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "alive", "box")); err != nil {
		t.Errorf("the living owner's box: %v", err)
	}
}

// TestNamesAreRewritten: paths that lie in a mount mean the host's folder.
func TestNamesAreRewritten(t *testing.T) {
	code := t.TempDir()
	box := boundTo(t, sandbox.Mount{Source: code, Target: "/var/task"})
	got := run(t, box, sandbox.Command{
		Path: "/bin/sh",
		Args: []string{"-c", `echo "$1|$2|$A|$B|$C"; pwd`, "sh", "/var/task/app.py", "/var/tasks"},
		Env:  []string{"A=/var/task", "B=/usr/bin:/var/task/bin", "C=http://host/var/task"},
		Dir:  "/var/task",
	})
	want := strings.Join([]string{code + "/app.py", "/var/tasks", code, "/usr/bin:" + code + "/bin", "http://host/var/task"}, "|")
	if got != want+"\n"+code+"\n" {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestLimitsAreSet: the shell's own view of them.
func TestLimitsAreSet(t *testing.T) {
	got := run(t, boundTo(t), sandbox.Command{Path: "/bin/sh", Args: []string{"-c", "ulimit -c; ulimit -n; ulimit -f; ulimit -d"}})
	// 64 MiB are 131072 blocks of 512 bytes; 128 MiB and the allowance of 256 MiB are 393216 KiB.
	if got != "0\n1024\n131072\n393216\n" {
		t.Errorf("core, files, size, data = %q", got)
	}
}

func boundTo(t *testing.T, mounts ...sandbox.Mount) sandbox.Sandbox {
	t.Helper()
	d := process.New(process.Options{Owner: "me", Dir: t.TempDir(), Allow: true})
	template, err := d.Prepare(t.Context(), sandbox.Base{Root: sandbox.RootHost, Tmp: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	box, err := template.Create(t.Context(), "box")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := box.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := box.Bind(t.Context(), sandbox.Workload{Mounts: mounts, Memory: 128 << 20}); err != nil {
		t.Fatal(err)
	}
	return box
}

func run(t *testing.T, box sandbox.Sandbox, c sandbox.Command) string {
	t.Helper()
	var out strings.Builder
	c.Stdout = &out
	p, err := box.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	return out.String()
}
