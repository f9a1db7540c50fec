package sdk

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// binaries is the folder with lambent and its helpers, built once for all tests.
var binaries string

// python is the runtime of the host's Python 3, "python3.11" for instance; "" without
// one.
var python string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambent-sdk-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binaries, python = dir, hostPython()
	return m.Run()
}

func build(dir string) error {
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./cmd/...")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building lambent: %w\n%s", err, out)
	}
	return nil
}

var pythonVersion = regexp.MustCompile(`^Python (3\.\d+)\.`)

func hostPython() string {
	out, err := exec.Command("python3", "--version").Output()
	if err != nil {
		return ""
	}
	if found := pythonVersion.FindSubmatch(out); found != nil {
		return "python" + string(found[1])
	}
	return ""
}

// needs skips a test on a host that cannot run it, and says what it lacks.
func needs(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		lacking(t, "needs root: light sandboxes do")
	}
	if python == "" {
		lacking(t, "needs a python3 on the PATH")
	}
}

// lacking skips a test for what the host lacks. In CI that is a failure: nothing that can be
// installed may be lacking there.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}
