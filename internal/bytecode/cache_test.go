package bytecode

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimes"
)

// ofNode is a compiler whose interpreter has a cache.
var ofNode = runtimes.Compiler{Sources: []string{".js", ".mjs"}, Least: 100, Cache: ".cache"}

func openRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// TestCacheTakesWhatNodeNames and nothing else, each once.
func TestCacheTakesWhatNodeNames(t *testing.T) {
	root := openRoot(t)
	w, err := placeOf(root, ofNode)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"v22.1.0-x64-00ff-0/6763d22a", "v22.1.0-x64-00ff-0/1"} {
		if err := w.put(record{name, []byte(name)}); err != nil {
			t.Error(err)
		}
		if got, _ := root.ReadFile(".cache/" + name); string(got) != name {
			t.Errorf("%s has %q", name, got)
		}
	}
	for _, name := range []string{
		"v22.1.0-x64-00ff-0/6763d22a", "app.js", "v22/../x", "v22/x.js", "v22/6763d22a/1", ".x/1", "v22.1.0-" + strings.Repeat("x", 200) + "/1",
	} {
		if err := w.put(record{name, []byte("evil")}); err == nil {
			t.Errorf("%q was written", name)
		}
	}
}

// TestCacheReplacesNothing: a package may have a folder, a file or a link of the name.
func TestCacheReplacesNothing(t *testing.T) {
	root := openRoot(t)
	if err := root.Symlink("/tmp", ".cache"); err != nil {
		t.Fatal(err)
	}
	if _, err := placeOf(root, ofNode); !errors.Is(err, os.ErrExist) {
		t.Errorf("err = %v", err)
	}
}

// TestGains: a package with few sources is left alone, whatever else is in it.
func TestGains(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, size int) {
		if err := os.WriteFile(filepath.Join(folder, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("index.js", 60)
	write("data.bin", 1000)
	if enough, err := gains(folder, ofNode); enough || err != nil {
		t.Errorf("%v, %v", enough, err)
	}
	write("m.mjs", 40)
	if enough, err := gains(folder, ofNode); !enough || err != nil {
		t.Errorf("%v, %v", enough, err)
	}
	if enough, err := gains(t.TempDir(), runtimes.Compiler{}); !enough || err != nil {
		t.Errorf("without a least size: %v, %v", enough, err)
	}
}

// TestFits: paths are part of a cache, and only one folder can have it.
func TestFits(t *testing.T) {
	of := func(tier lambda.Tier, target string) unit { return unit{work: work{tier: tier}, target: target} }
	if !of(lambda.TierLight, taskRoot).fits(ofNode) || of(lambda.TierProcess, taskRoot).fits(ofNode) || of(lambda.TierLight, "/opt").fits(ofNode) {
		t.Error("of Node")
	}
	if !of(lambda.TierProcess, "/opt").fits(runtimes.Compiler{}) {
		t.Error("of Python")
	}
}
