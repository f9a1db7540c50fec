package instance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/gvisor"
	"lambent.dev/lambent/internal/sandbox/gvisor/runsc"
	"lambent.dev/lambent/internal/sandbox/light"
	"lambent.dev/lambent/internal/sandbox/process"
)

// build builds a Go program without cgo, readable for the uid of a sandbox.
func build(t testing.TB, folder, program string) string {
	t.Helper()
	path := filepath.Join(folder, filepath.Base(program))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", program, err, out)
	}
	return path
}

// openFolder is a temporary folder that every uid may enter.
func openFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "lambent-instance-") // t.TempDir is closed to other uids
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// drivers are the real ones. Each gets the tests below.
func drivers(t testing.TB) map[string]sandbox.Driver {
	t.Helper()
	folder := openFolder(t)
	boxes, err := light.New(light.Options{Init: build(t, folder, "lambent.dev/lambent/cmd/lambent-init"), Owner: "instance-test", Dir: filepath.Join(folder, "light"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	bin, err := filepath.Abs("../../bin") // where make puts runsc
	if err != nil {
		t.Fatal(err)
	}
	kernels, err := gvisor.New(gvisor.Options{
		Agent: build(t, folder, "lambent.dev/lambent/cmd/lambent-agent"), Owner: "instance-test", Dir: filepath.Join(folder, "gvisor"),
		Runsc: []string{filepath.Join(bin, runsc.Name), filepath.Join(runsc.SystemDir, runsc.Name)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]sandbox.Driver{
		"light":   boxes,
		"gvisor":  kernels,
		"process": process.New(process.Options{Owner: "instance-test", Dir: filepath.Join(folder, "process"), Allow: true}),
	}
}

// started is an instance of the program in testdata on a real driver.
type started struct {
	*instance.Instance
	t      *testing.T
	log    *logBuffer
	target *lambda.Target
}

func startReal(t *testing.T, d sandbox.Driver, tier lambda.Tier, code string) *started {
	t.Helper()
	return startRuntime(t, d, tier, code, "provided.al2023", catalogue{provided})
}

func startRuntime(t *testing.T, d sandbox.Driver, tier lambda.Tier, code, runtime string, c instance.Runtimes) *started {
	t.Helper()
	return startWithin(t, d, tier, code, runtime, c, unhurried)
}

// Timeouts of functions, in seconds: one that a loaded machine does not reach, and one that is
// waited for.
const (
	unhurried = 30
	awaited   = 2
)

func startWithin(t *testing.T, d sandbox.Driver, tier lambda.Tier, code, runtime string, c instance.Runtimes, timeout int) *started {
	t.Helper()
	return startTarget(t, d, code, c, func(target *lambda.Target) {
		target.Tier, target.Version.Timeout, target.Version.Runtime = tier, timeout, runtime
	})
}

// startTarget starts an instance of a target that change has made what it is to be.
func startTarget(t *testing.T, d sandbox.Driver, code string, c instance.Runtimes, change func(*lambda.Target), settings ...func(*instance.Deps)) *started {
	t.Helper()
	r, launcher := launcherOf(t, d, code, c, change, settings...)
	i, err := launcher.Start(t.Context(), r.target)
	r.holds(i, err)
	return r
}

// launcherOf is startTarget up to the start.
func launcherOf(t *testing.T, d sandbox.Driver, code string, c instance.Runtimes, change func(*lambda.Target), settings ...func(*instance.Deps)) (*started, *instance.Launcher) {
	t.Helper()
	template, err := d.Prepare(t.Context(), sandbox.Base{Trust: "000000000000", Root: sandbox.RootHost, Tmp: 512 << 20, Network: sandbox.NetworkNone})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = template.Close() })
	r := &started{t: t, log: &logBuffer{}, target: newTarget()}
	change(r.target)
	deps := instance.Deps{
		Boxes:    boxesOf(t, template),
		Runtimes: c,
		Code:     func(context.Context, string) (string, error) { return code, nil },
		Logs:     func(lambda.FunctionID, string) io.WriteCloser { return r.log },
		CallHome: func(target *lambda.Target) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, target.ID.ARN()) })
		},
	}
	for _, set := range settings {
		set(&deps)
	}
	return r, instance.NewLauncher(deps)
}

// holds takes in what a launcher made.
func (r *started) holds(i *instance.Instance, err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	r.Instance = i
	r.t.Cleanup(func() {
		if err := i.Close(context.Background()); err != nil {
			r.t.Error(err)
		}
	})
}

// do invokes and returns the answer.
func (r *started) do(what string) (string, receipt.Receipt) {
	r.t.Helper()
	s := newSink()
	rec, err := r.Invoke(r.t.Context(), invocation(`"`+what+`"`), s)
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", what, err, r.log)
	}
	return string(s.Bytes()), rec
}

func (r *started) expect(what, want string) receipt.Receipt {
	r.t.Helper()
	got, rec := r.do(what)
	if got != want {
		r.t.Errorf("%s:\n got %s\nwant %s\n%s", what, got, want, r.log)
	}
	return rec
}

// expectInTime is expect where the timeout is short: a loaded machine may need several tries, each
// of which begins anew.
func (r *started) expectInTime(what, want string) (rec receipt.Receipt) {
	r.t.Helper()
	var got string
	for range 10 {
		if got, rec = r.do(what); got == want {
			return rec
		}
		if !strings.Contains(got, timedOut) {
			break
		}
	}
	r.t.Errorf("%s:\n got %s\nwant %s\n%s", what, got, want, r.log)
	return rec
}

// TestRealDrivers holds the lifecycle on what really isolates.
func TestRealDrivers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real sandboxes")
	}
	code := openFolder(t)
	build(t, code, "./testdata/bootstrap")
	for name, d := range drivers(t) {
		t.Run(name, func(t *testing.T) {
			features, err := d.Probe(t.Context())
			if errors.Is(err, sandbox.ErrUnavailable) && os.Getenv("CI") != "true" {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			start := func(t *testing.T) *started { return startReal(t, d, features.Tier, code) }
			t.Run("answers", func(t *testing.T) { testRealAnswers(start(t)) })
			t.Run("timeout", func(t *testing.T) {
				testRealTimeout(startWithin(t, d, features.Tier, code, "provided.al2023", catalogue{provided}, awaited))
			})
			t.Run("crash", func(t *testing.T) { testRealCrash(start(t)) })
			t.Run("freeze", func(t *testing.T) { testRealFreeze(start(t)) })
			t.Run("python", func(t *testing.T) { testPython(t, d, features.Tier) })
			t.Run("node", func(t *testing.T) { testNode(t, d, features.Tier) })
			if features.Tier == lambda.TierProcess {
				return // it limits no memory, and its wrapper is a shell
			}
			t.Run("bad program", func(t *testing.T) {
				bad := openFolder(t)
				if err := os.WriteFile(filepath.Join(bad, "bootstrap"), []byte("no program"), 0o755); err != nil {
					t.Fatal(err)
				}
				r := startReal(t, d, features.Tier, bad)
				r.expect("count", fails("Runtime.InvalidEntrypoint", "fork/exec /var/task/bootstrap: exec format error"))
			})
			t.Run("out of memory", func(t *testing.T) { testRealOutOfMemory(start(t)) })
		})
	}
}

func testRealAnswers(r *started) {
	r.expect("count", `{"error":"\u003cnil\u003e","module":1,"tmp":1}`)
	rec := r.sumsUp(2)
	if rec.MemoryPeak <= 0 {
		r.t.Error("no memory peak")
	}
	home, _ := json.Marshal(newTarget().ID.ARN())
	r.expect("home", string(home))
	printed := r.expect("print", `"print"`)
	wantLog(r.t, string(printed.TailLog), "START ", "line 0\n", "line 99\n", "END ", "REPORT ")
	r.t.Logf("launch %+v, warm %v", r.Launch(), rec.Wall())
}

// sumsUp counts on from n until the phases of an invocation sum up to what it took. A busy host may
// take the CPU from this goroutine before or after a few of them.
func (r *started) sumsUp(n int) receipt.Receipt {
	r.t.Helper()
	for last := n + 50; ; n++ {
		began := time.Now()
		rec := r.expect("count", fmt.Sprintf(`{"error":"\u003cnil\u003e","module":%d,"tmp":%d}`, n, n))
		wall := time.Since(began)
		if rec.Wall() <= wall && wall-rec.Wall() <= time.Millisecond+wall/50 {
			return rec
		}
		if rec.Wall() > wall || n == last {
			r.t.Fatalf("the phases sum to %v of %v", rec.Wall(), wall)
		}
	}
}

// What a timeout leaves: /tmp. What it does not: the module's state, children.
func testRealTimeout(r *started) {
	r.expect("count", `{"error":"\u003cnil\u003e","module":1,"tmp":1}`)
	rec := r.expect("sleep", fails("Sandbox.Timedout", "Task timed out after 2.00 seconds"))
	wantLog(r.t, string(rec.TailLog), "START ", "going to sleep\n", "END ", "Status: timeout")
	rec = r.expect("count", `{"error":"\u003cnil\u003e","module":1,"tmp":2}`)
	if rec.Spent[receipt.Runtime] <= 0 {
		r.t.Errorf("the suppressed init is not on the receipt: %v", rec.Spent)
	}
}

func testRealCrash(r *started) {
	rec := r.expect("exit", fails("Runtime.ExitError", "Runtime exited with error: exit status 7"))
	wantLog(r.t, string(rec.TailLog), "START ", "last words\n", "END ", "Status: error\tError Type: Runtime.ExitError")
	r.expect("kill", fails("Runtime.ExitError", "Runtime exited with error: signal: killed"))
	r.expect("count", `{"error":"\u003cnil\u003e","module":1,"tmp":1}`)
}

func testRealFreeze(r *started) {
	if err := r.Freeze(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.expect("count", `{"error":"\u003cnil\u003e","module":1,"tmp":1}`)
}

func testRealOutOfMemory(r *started) {
	got, rec := r.do("memory")
	if !strings.Contains(got, `"Runtime.OutOfMemory"`) || !strings.Contains(got, "128 MB") {
		r.t.Errorf("%s\n%s", got, r.log)
	}
	wantLog(r.t, string(rec.TailLog), "START ", "END ", "REPORT ", "Error Type: Runtime.OutOfMemory")
	if err := r.Err(); r.target.Tier == lambda.TierGVisor && err != nil { // with cgroup v2 gVisor ends with its box
		if !errors.Is(err, instance.ErrGone) {
			r.t.Errorf("the instance's error is %v", err)
		}
		return
	}
	r.expect("count", `{"error":"\u003cnil\u003e","module":1,"tmp":1}`)
}

// app is a function on Lambent's own bootstrap.
const app = `
import os, time
module = 0

def handler(event, context):
    global module
    module += 1
    if event == "sleep":
        print("going to sleep")
        time.sleep(3600)
    if event == "raise":
        raise ValueError("no")
    if event == "exit":
        os._exit(0)
    if event == "big":
        return "x" * (7 << 20)
    print("called", module)
    return [module, context.aws_request_id, context.memory_limit_in_mb]
`

// testPython holds the lifecycle of a runtime that speaks frames.
func testPython(t *testing.T, d sandbox.Driver, tier lambda.Tier) {
	folder := openFolder(t)
	c, err := runtimes.New(runtimes.Options{Dir: filepath.Join(folder, "runtimes")})
	if err != nil {
		t.Fatal(err)
	}
	id := anyRuntime(t, c, "python")
	code := openFolder(t)
	if err := os.WriteFile(filepath.Join(code, "app.py"), []byte(app), 0o644); err != nil {
		t.Fatal(err)
	}
	r := startRuntime(t, d, tier, code, id, c)
	r.expect("go", `[1, "`+requestID+`", "128"]`)
	rec := r.expect("go", `[2, "`+requestID+`", "128"]`)
	wantLog(t, string(rec.TailLog), "START ", "called 2\n", "END ")
	t.Logf("%s: launch %+v, warm %v", id, r.Launch(), rec.Wall())
	testInterpreterTimeout(startWithin(t, d, tier, code, id, c, awaited), `[1, "`+requestID+`", "128"]`)
	r.expect("exit", fails("Runtime.ExitError", "Runtime exited without providing a reason"))
	if got, _ := r.do("raise"); !strings.Contains(got, `"errorType": "ValueError"`) && !strings.Contains(got, `"errorType":"ValueError"`) {
		t.Errorf("%s", got)
	}
	if got, _ := r.do("big"); !strings.Contains(got, `"Function.ResponseSizeTooLarge"`) {
		t.Errorf("%.300s", got)
	}
	r.expect("go", `[3, "`+requestID+`", "128"]`)
}

// testInterpreterTimeout holds that what follows a timeout meets a fresh interpreter, whose answer
// is that of a first request.
func testInterpreterTimeout(r *started, first string) {
	r.expectInTime("go", first)
	rec := r.expect("sleep", fails("Sandbox.Timedout", "Task timed out after 2.00 seconds"))
	wantLog(r.t, string(rec.TailLog), "going to sleep\n", "END ", "Status: timeout")
	rec = r.expectInTime("go", first)
	if rec.Spent[receipt.Init] <= 0 || rec.Spent[receipt.Runtime] <= 0 {
		r.t.Errorf("the suppressed init is not on the receipt: %v", rec.Spent)
	}
}

// anyRuntime returns the newest of a language's that the host has: the list is in that
// order.
func anyRuntime(t *testing.T, c *runtimes.Catalogue, language string) string {
	t.Helper()
	for _, found := range c.List() {
		if strings.HasPrefix(found.Runtime, language) {
			return found.Runtime
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("the host has no " + language)
	}
	t.Skip("the host has no " + language)
	return ""
}
