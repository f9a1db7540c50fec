package sdk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// tiers are the isolations of this host that isolate, weakest first. In CI all are there.
func tiers(t *testing.T) []string {
	t.Helper()
	needs(t)
	if !hasGVisor(t) {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs runsc: run `make runsc`")
		}
		t.Log("without gvisor: run `make runsc`")
		return []string{"light"}
	}
	return []string{"light", "gvisor"}
}

// hasGVisor puts runsc beside the programs under test, where make has built it.
func hasGVisor(t *testing.T) bool {
	t.Helper()
	built, err := filepath.Abs(filepath.Join("..", "..", "bin", "runsc"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(built); err != nil {
		return false
	}
	if err := os.Symlink(built, filepath.Join(binaries, "runsc")); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return true
}
