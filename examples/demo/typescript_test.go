package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestDigest compiles the tests of the TypeScript example and runs them in Node.
func TestDigest(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("needs Node on the PATH")
	}
	bundle := filepath.Join(t.TempDir(), "digest.test.js")
	if err := compile("../digest/digest.test.ts", bundle); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), node, "--test", bundle).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
