package sdk

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"lambent.dev/lambent/test/sdk/lambent"
)

// binaries is the folder with lambent and its helpers, built once for all tests.
var binaries string

// python is the runtime of the host's Python 3, "python3.11" for instance; "" without
// one.
var python string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if built := os.Getenv(insideWorld); built != "" {
		binaries, python = built, lambent.HostPython()
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "lambent-sdk-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := lambent.Build
	if os.Getenv("SOAK_RACE") == "true" {
		build = lambent.BuildForRaces
	}
	if err := build(filepath.Join("..", ".."), dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binaries, python = dir, lambent.HostPython()
	// Not in dir: what compiles it would be taken for left by a test that looks for dir.
	client, err := os.MkdirTemp("", "lambent-sdk-node-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(client)
	nodeClient = sync.OnceValues(func() (string, error) { return installNodeClient(client) })
	if flag.Parse(); flag.Lookup("test.run").Value.String() == "" && !testing.Short() {
		go nodeClient() // ends before its test does
	}
	return m.Run()
}

// nodeClient is the folder that AWS's runtime client for Node was installed into. Compiling it
// takes most of a minute, beside other tests where all are run.
var nodeClient func() (string, error)

func installNodeClient(dir string) (string, error) {
	out, err := exec.Command("nice", "-n", "10", "npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--omit=dev", nodeRIC).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
}

// rounds is how often a test does what it does: as usual, or as the variable for long rounds
// says (make soak).
func rounds(variable string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return usual
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
