package runtimes

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

func TestResolveProvided(t *testing.T) {
	for _, id := range []string{"provided", "provided.al2", "provided.al2023"} {
		got, err := shared.Resolve(&lambda.Version{Runtime: id, Environment: map[string]string{"LANG": "C"}})
		if err != nil {
			t.Fatal(err)
		}
		want := Launch{
			Protocol: HTTP,
			Commands: []string{"/var/runtime/bootstrap", "/var/task/bootstrap", "/opt/bootstrap"},
			Env: []string{
				"LAMBDA_RUNTIME_DIR=/var/runtime", "LAMBDA_TASK_ROOT=/var/task", "LANG=C",
				"LD_LIBRARY_PATH=/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
				"PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin", "PWD=/var/task", "TZ=:UTC",
			},
			Preload: "program", Alone: "program",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
}

func TestResolveSaysWhatIsMissing(t *testing.T) {
	empty := t.TempDir()
	c, err := New(Options{Dir: t.TempDir(), Search: []string{empty, "/nowhere/*/bin"}})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"python3.12":  "looked for the program python3.12 in " + empty + ", /nowhere/*/bin",
		"nodejs22.x":  "looked for Node.js 22, the program node, in " + empty + ", /nowhere/*/bin: found none: install it",
		"nodejs12.x":  "Lambent cannot run nodejs12.x yet",
		"python2.7":   "Lambent cannot run python2.7 yet",
		"provided.al": `there is no runtime "provided.al"`,
		"":            "there is no runtime",
	} {
		if _, err := c.Resolve(&lambda.Version{Runtime: id}); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// fakePython writes a program that answers the probe.
func fakePython(t *testing.T, prefix, id, script string) string {
	t.Helper()
	bin := filepath.Join(prefix, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(bin, id)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInterpretersThatDoNotWork(t *testing.T) {
	dir := t.TempDir()
	for name, tt := range map[string]struct{ script, want string }{
		"fails":     {"echo no libpython >&2; exit 127", "no libpython"},
		"other":     {"echo 3.9.1; echo " + dir + "/other", `it is Python "3.9.1"`},
		"lookalike": {"echo 3.120.1; echo " + dir + "/lookalike", `it is Python "3.120.1"`},
		"elsewhere": {"echo 3.12.1; echo /usr", "its library is in"},
		"silent":    {"exit 0", "it is Python"},
	} {
		t.Run(name, func(t *testing.T) {
			fakePython(t, filepath.Join(dir, name), "python3.12", tt.script)
			c, err := New(Options{Dir: t.TempDir(), Search: []string{filepath.Join(dir, name, "bin")}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Resolve(&lambda.Version{Runtime: "python3.12"})
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Resolve = %v", err)
			}
			if list := c.List(); len(list) != 0 {
				t.Errorf("List = %v", list)
			}
		})
	}
}

func TestInterpretersAreSearchedInOrder(t *testing.T) {
	dir := t.TempDir()
	answer := func(prefix string) string { return "echo 3.12.0; echo " + prefix }
	var paths []string
	for _, name := range []string{"first", "many/3.12.10", "many/3.12.9", "many/3.12.9rc1", "many/venv"} {
		prefix := filepath.Join(dir, name)
		paths = append(paths, fakePython(t, prefix, "python3.12", answer(prefix)))
	}
	link := filepath.Join(dir, "link", "bin")
	if err := os.MkdirAll(link, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(paths[0], filepath.Join(link, "python3.12")); err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{Dir: t.TempDir(), Search: []string{link, dir + "/first/bin", dir + "/many/*/bin"}})
	if err != nil {
		t.Fatal(err)
	}
	want := append([]string{filepath.Join(link, "python3.12")}, paths...)
	if diff := cmp.Diff(want, c.candidates("python3.12")); diff != "" {
		t.Error(diff)
	}
	// The link dangles inside a sandbox; then each is used until it is gone.
	for _, path := range paths[:2] {
		launch, err := c.Resolve(&lambda.Version{Runtime: "python3.12"})
		if err != nil {
			t.Fatal(err)
		}
		prefix := filepath.Dir(filepath.Dir(path))
		if m := launch.Mounts[1]; m.Source != prefix || m.Target != "/var/lang" || launch.Commands[0] != "/var/lang/bin/python3.12" {
			t.Errorf("launch %+v, want %s at /var/lang", launch, prefix)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewWritesAReadableBootstrapOnce(t *testing.T) {
	dir := t.TempDir()
	var folders []string
	for range 2 {
		c, err := New(Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		folders = append(folders, c.bootstrap)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || folders[0] != folders[1] {
		t.Errorf("folders %v, entries %v, %v", folders, entries, err)
	}
	for name, mode := range map[string]string{
		"": "drwxr-xr-x", "bootstrap.py": "-rw-r--r--",
		"lambent_runtime": "drwxr-xr-x", "lambent_runtime/" + "/loop.py": "-rw-r--r--",
	} {
		info, err := os.Stat(filepath.Join(folders[0], name))
		if err != nil || info.Mode().String() != mode {
			t.Errorf("%q: %v, %v; want %s", name, info, err, mode)
		}
	}
}

func TestKnown(t *testing.T) {
	ids := Identifiers()
	if len(ids) != 51 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
		t.Errorf("%d identifiers", len(ids))
	}
	for _, id := range append(slices.Clone(pythons), "nodejs22.x", "provided.al2023", "java21") {
		if !Known(id) {
			t.Errorf("%s is not known", id)
		}
	}
	for _, id := range []string{"", "python3.99", "python", "PYTHON3.9"} {
		if Known(id) {
			t.Errorf("%s is known", id)
		}
	}
}
