package sandboxtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const probePackage = "lambent.dev/lambent/internal/sandbox/sandboxtest/probe"

// codeText stands in a file beside the probe.
const codeText = "the code"

// buildProbe returns a folder like a function's code, with the probe in it.
func buildProbe(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "probe")
	build := exec.Command("go", "build", "-trimpath", "-o", name, probePackage)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the probe: %v\n%s", err, out)
	}
	writeFile(t, filepath.Join(dir, "code.txt"), codeText)
	for _, path := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func writeFile(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
