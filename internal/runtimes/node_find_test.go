package runtimes

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

// fakeNode writes a program that answers --version.
func fakeNode(t *testing.T, prefix, script string) string {
	t.Helper()
	return fakePython(t, prefix, "node", script)
}

func newNodeCatalogue(t *testing.T, search ...string) *Catalogue {
	t.Helper()
	c, err := New(Options{Dir: t.TempDir(), Search: search})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNodeResolveSaysWhatWasFoundInstead(t *testing.T) {
	dir := t.TempDir()
	one := fakeNode(t, dir+"/one", "echo v20.1.2")
	two := fakeNode(t, dir+"/two", "echo no libnode >&2; exit 127")
	three := fakeNode(t, dir+"/three", "echo hello")
	c := newNodeCatalogue(t, dir+"/one/bin", dir+"/t*/bin")
	_, err := c.Resolve(&lambda.Version{Runtime: "nodejs22.x"})
	if !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"looked for Node.js 22, the program node, in " + dir + "/one/bin, " + dir + "/t*/bin:", one + " is Node.js 20.1.2",
		two + " does not work: running it: exit status 127: no libnode", three + ` does not work: it says "hello"`, "install it",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestNodesAreSearchedInOrder(t *testing.T) {
	dir := t.TempDir()
	for _, version := range []string{"v22.9.0", "v22.10.0", "v20.1.0"} {
		fakeNode(t, filepath.Join(dir, "nvm", version), "echo "+version)
	}
	fakeNode(t, filepath.Join(dir, "opt"), "echo v22.99.0")
	c := newNodeCatalogue(t, dir+"/nvm/*/bin", dir+"/opt/bin")
	var got []string
	for _, id := range []string{"nodejs22.x", "nodejs20.x"} {
		launch, err := c.Resolve(&lambda.Version{Runtime: id, MemorySize: 1769, Environment: map[string]string{"NODE_PATH": "/mine"}})
		if err != nil {
			t.Fatal(err)
		}
		if launch.Protocol != Framed || !launch.Direct || launch.Mounts[0].Target != "/var/runtime" || launch.Mounts[1].Target != "/var/lang" {
			t.Errorf("launch %+v", launch)
		}
		got = append(append(got, launch.Mounts[1].Source), append(launch.Commands, launch.Args...)...)
		if env := strings.Join(launch.Env, " "); !strings.Contains(env, "NODE_PATH=/mine") {
			t.Errorf("environment %s", env)
		}
	}
	flags := []string{"/var/lang/bin/node", "--expose-gc", "--max-http-header-size=81920", "--max-semi-space-size=88", "--max-old-space-size=1593"}
	want := append(append([]string{dir + "/nvm/v22.10.0"}, flags...), "--no-experimental-require-module", "--no-experimental-detect-module", "/var/runtime/bootstrap.js")
	want = append(append(append(want, dir+"/nvm/v20.1.0"), flags...), "/var/runtime/bootstrap.js")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var listed []string
	for _, found := range c.List() {
		listed = append(listed, found.Runtime+" "+found.Version)
	}
	if diff := cmp.Diff([]string{"nodejs22.x 22.10.0", "nodejs20.x 20.1.0"}, listed); diff != "" {
		t.Error(diff)
	}
}

// TestNodeThatWasReplaced: an upgrade in place is seen, and otherwise nothing is run.
func TestNodeThatWasReplaced(t *testing.T) {
	dir := t.TempDir()
	script := "echo run >> " + dir + "/runs; echo v20.1.0"
	path := fakeNode(t, dir, script)
	c := newNodeCatalogue(t, dir+"/bin")
	for range 3 {
		if _, err := c.Resolve(&lambda.Version{Runtime: "nodejs20.x"}); err != nil {
			t.Fatal(err)
		}
	}
	if runs, err := os.ReadFile(dir + "/runs"); err != nil || string(runs) != "run\n" {
		t.Errorf("runs %q, %v", runs, err)
	}
	fakeNode(t, dir, "echo v22.1.0")
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Resolve(&lambda.Version{Runtime: "nodejs22.x"}); err != nil {
		t.Error(err)
	}
	if _, err := c.Resolve(&lambda.Version{Runtime: "nodejs20.x"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("the old version: %v", err)
	}
}
