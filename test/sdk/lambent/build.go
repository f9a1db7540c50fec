package lambent

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// Build puts the programs of the module in folder module into folder dir, built as `make build`
// does: what that has compiled is not compiled again.
func Build(module, dir string) error { return build(module, dir, "0", "./cmd/...") }

// BuildForRaces does as Build, with the race detector in the server. It needs a C compiler.
func BuildForRaces(module, dir string) error {
	if err := Build(module, dir); err != nil {
		return err
	}
	return build(module, dir, "1", "-race", "./cmd/lambent")
}

func build(module, dir, cgo string, args ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-trimpath", "-o", dir + string(filepath.Separator)}, args...)...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building lambent: %w\n%s", err, out)
	}
	return nil
}

var pythonVersion = regexp.MustCompile(`^Python (3\.\d+)\.`)

// HostPython is Lambda's identifier of the host's Python 3, "python3.11" for instance; ""
// without one.
func HostPython() string {
	out, err := exec.Command("python3", "--version").Output()
	if err != nil {
		return ""
	}
	if found := pythonVersion.FindSubmatch(out); found != nil {
		return "python" + string(found[1])
	}
	return ""
}
