package gvisor_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"lambent.dev/lambent/internal/sandbox/gvisor/runsc"
)

// agentBinary is lambent-agent, built for the tests of this package.
var agentBinary string

func TestMain(m *testing.M) {
	if path := os.Getenv(agentVariable); path != "" { // a daemon of the suite that is to be killed
		agentBinary = path
		os.Exit(m.Run())
	}
	os.Exit(run(m))
}

const agentVariable = "GVISOR_TEST_AGENT"

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambent-agent-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	agentBinary = filepath.Join(dir, "lambent-agent")
	build := exec.Command("go", "build", "-trimpath", "-o", agentBinary, "lambent.dev/lambent/cmd/lambent-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building lambent-agent: %v\n%s", err, out)
		return 1
	}
	os.Setenv(agentVariable, agentBinary)
	return m.Run()
}

// runscPaths are where make and `lambent setup gvisor` put runsc.
func runscPaths() []string {
	repository, err := filepath.Abs("../../../bin")
	if err != nil {
		return []string{runsc.SystemDir}
	}
	return []string{filepath.Join(repository, runsc.Name), filepath.Join(runsc.SystemDir, runsc.Name)}
}
