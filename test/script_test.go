package test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// bin holds the programs under test, built once.
var bin string

// TestMain is also the program terminal, when it is called so.
func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"terminal": terminal})
}

// suite is the tests of this package, and what they need built.
type suite struct{ *testing.M }

// Run builds the programs and runs the tests.
func (m suite) Run() int {
	dir, err := os.MkdirTemp("", "lambent-script-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-trimpath", "-o", dir+"/", "./cmd/...")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, out)
		return 1
	}
	bin = dir
	return m.M.Run()
}

func TestScripts(t *testing.T) {
	t.Parallel()
	p := params("light", bin) // the default
	p.Dir = filepath.Join("testdata", "script")
	testscript.Run(t, p)
}

// inEveryTier are the scripts whose functions run in the server's default isolation and show
// something of that.
var inEveryTier = []string{"first-hour", "invoke", "up-invoke", "why"}

// inEveryTierAtLength are the others that invoke, but that of tax, which measures every isolation:
// of make soak. In light they always run, and what isolates is the same to what they show.
var inEveryTierAtLength = []string{"versions", "tenants", "logs", "provision", "import", "deploy", "deploy-node", "dev", "aws-cli"}

// TestScriptsInGVisor runs scripts where functions are in gVisor unless they name another
// isolation.
func TestScriptsInGVisor(t *testing.T) {
	t.Parallel()
	names := inEveryTier
	if soaks() {
		names = slices.Concat(inEveryTier, inEveryTierAtLength)
	}
	runScripts(t, "gvisor", withRunsc(t), names)
}

// TestScriptsInGuests is the same in guests: of make soak, as it takes minutes where they are
// emulated.
func TestScriptsInGuests(t *testing.T) {
	if !soaks() {
		t.Skip("SOAK_GUESTS says that there are minutes for it: make soak")
	}
	if !hasBuilt(t, "microvm") {
		t.Skip("needs a kernel and images: run `make microvm`")
	}
	runScripts(t, "microvm", bin, slices.Concat(inEveryTier, inEveryTierAtLength))
}

// soaks says whether there are minutes for what takes them.
func soaks() bool { return os.Getenv("SOAK_GUESTS") != "" }

func runScripts(t *testing.T, tier, programs string, names []string) {
	t.Helper()
	p := params(tier, programs)
	for _, name := range names {
		p.Files = append(p.Files, filepath.Join("testdata", "script", name+".txtar"))
	}
	testscript.Run(t, p)
}

// programs is a folder with the programs alone, whatever other tests put beside theirs.
func programs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"lambent", "lambent-init", "lambent-agent", "lambent-bench"} {
		if err := os.Link(filepath.Join(bin, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// withRunsc is a folder with the programs and the runsc that make has built. It is not beside
// the programs of the other scripts, some of which tell what a host without it lacks.
func withRunsc(t *testing.T) string {
	t.Helper()
	dir := programs(t)
	if _, err := os.Stat(besides(t, dir, "runsc")); err != nil && os.Getenv("CI") != "true" {
		t.Skip("needs runsc: run `make runsc`")
	}
	return dir
}

// besides links what make has put beside the programs, if it has, into a folder of them.
func besides(t *testing.T, dir, name string) string {
	t.Helper()
	made, err := filepath.Abs(filepath.Join("..", "bin", name))
	link := filepath.Join(dir, name)
	if err := errors.Join(err, os.Symlink(made, link)); err != nil {
		t.Fatal(err)
	}
	return link
}

// params are those of scripts whose servers have a tier as the default.
func params(tier, programs string) testscript.Params {
	return testscript.Params{
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TIER", tier)
			if tier != "light" {
				env.Setenv("LAMBENT_ISOLATION", tier)
			}
			if tier == "process" {
				env.Setenv("LAMBENT_ALLOW_PROCESS", "true")
			}
			return setup(env, programs)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"http":  httpCommand,
			"ready": readyCommand, "active": activeCommand,
			"pack": packCommand, "zip": zipCommand, "exits": exitsCommand, "answers": answersCommand,
			"narrow": narrowCommand, "holds": holdsCommand, "until": untilCommand,
		},
		Condition: conditions(tier),
	}
}

// setup gives every script the programs, a fresh home, a data folder and addresses of its
// own, and tells them to servers and clients by Lambent's variables.
func setup(env *testscript.Env, programs string) error {
	env.Setenv("PATH", programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	set := map[string]string{"DATA": filepath.Join(env.WorkDir, "data")}
	for _, name := range []string{"API", "ADMIN", "API2", "ADMIN2"} {
		addr, err := freeAddress()
		if err != nil {
			return err
		}
		set[name] = addr
		env.Setenv(name, addr)
	}
	for name, variable := range map[string]string{"DATA": "LAMBENT_DATA", "API": "LAMBENT_LISTEN", "ADMIN": "LAMBENT_ADMIN"} {
		env.Setenv(name, set[name])
		env.Setenv(variable, set[name])
	}
	return shareGo(env)
}

// shareGo lets scripts that build Go use the modules and the cache of whoever runs the test.
func shareGo(env *testscript.Env) error {
	names := []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS"}
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		return fmt.Errorf("asking go for its caches: %w", err)
	}
	for i, value := range strings.Split(strings.TrimRight(string(out), "\n"), "\n") {
		env.Setenv(names[i], value)
	}
	return os.Mkdir(filepath.Join(env.WorkDir, "home"), 0o700)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// conditions are [guests], a run in microVMs, [root], which the tier light needs, and [aws], the AWS
// CLI as Debian has it. In CI the last two are there: what can be installed is not lacking.
func conditions(tier string) func(string) (bool, error) {
	return func(name string) (bool, error) {
		switch ci := os.Getenv("CI") == "true"; name {
		case "guests":
			return tier == "microvm", nil
		case "root":
			return ci || os.Geteuid() == 0, nil
		case "aws":
			_, err := os.Stat("/usr/bin/aws")
			return ci || err == nil, nil
		}
		return false, fmt.Errorf("unknown condition %q", name)
	}
}
