package instance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
)

// The functions below know "wait", which answers once "wake" came, so that answers come
// out of order; "sleep", for ever; "die", which ends the process; all others are told
// back with the id of the request.

const sharedNode = `
let open = [];
exports.handler = async (event, context) => {
  console.log('got', event);
  if (event === 'wait') await new Promise((resolve) => open.push(resolve));
  if (event === 'wake') {
    while (open.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    open.splice(0).forEach((resolve) => resolve());
  }
  if (event === 'sleep') await new Promise((resolve) => setTimeout(resolve, 3600e3));
  if (event === 'die') process.exit(7);
  if (event === 'store') {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return [awslambda.InvokeStore.getRequestId(), context.awsRequestId];
  }
  if (event === 'reject') {
    Promise.reject(new Error('alone'));
    await new Promise((resolve) => setTimeout(resolve, 1e3));
  }
  console.log('answer', event);
  return [event, context.awsRequestId];
};
`

const sharedPython = `
import logging, os, time
logging.getLogger().setLevel("INFO")
wake = "/tmp/wake-" + os.environ["AWS_SESSION_TOKEN"]  # the tier process has one /tmp

def handler(event, context):
    logging.info("got %s", event)
    while event == "wait" and not os.path.exists(wake):
        time.sleep(0.005)
    if event == "wake":
        open(wake, "w").close()
    if event == "sleep":
        time.sleep(3600)
    if event == "die":
        os._exit(7)
    logging.info("answer %s", event)
    return [event, context.aws_request_id]
`

// goShared builds the program in testdata on AWS's own client for Go.
func goShared(t *testing.T, folder string) {
	t.Helper()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(folder, "bootstrap"), ".")
	build.Dir = filepath.Join("testdata", "goclient")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	if out, err := build.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("building with aws-lambda-go: %v\n%s", err, out)
		}
		t.Skipf("building with aws-lambda-go (no package registry?): %v\n%s", err, out)
	}
}

// write writes a function's only file.
func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sharedRuntimes are the runtimes that take many requests at once.
func sharedRuntimes(t *testing.T) map[string]func(t *testing.T, d sandbox.Driver, tier lambda.Tier, slots int) *started {
	t.Helper()
	c, err := runtimes.New(runtimes.Options{Dir: filepath.Join(openFolder(t), "runtimes")})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func(t *testing.T, d sandbox.Driver, tier lambda.Tier, slots int) *started{
		"node": func(t *testing.T, d sandbox.Driver, tier lambda.Tier, slots int) *started {
			code := openFolder(t)
			write(t, code, "app.js", sharedNode)
			return startShared(t, d, tier, code, anyRuntime(t, c, "nodejs"), c, slots)
		},
		"python": func(t *testing.T, d sandbox.Driver, tier lambda.Tier, slots int) *started {
			code := openFolder(t)
			write(t, code, "app.py", sharedPython)
			return startShared(t, d, tier, code, anyRuntime(t, c, "python"), c, slots)
		},
		"go": func(t *testing.T, d sandbox.Driver, tier lambda.Tier, slots int) *started {
			code := openFolder(t)
			goShared(t, code)
			return startShared(t, d, tier, code, "provided.al2023", c, slots)
		},
	}
}

func startShared(t *testing.T, d sandbox.Driver, tier lambda.Tier, code, runtime string, c instance.Runtimes, slots int) *started {
	t.Helper()
	return startTarget(t, d, code, c, func(target *lambda.Target) {
		target.Tier, target.Version.Timeout, target.Version.Runtime = tier, 2, runtime
		target.Version.MemorySize, target.Concurrency = 512, slots
	})
}

// TestManyAtOnce holds, for every driver and every runtime, that requests run at once in
// one instance and answer in any order, each under its own name.
func TestManyAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real sandboxes")
	}
	tests := map[string]func(*started){
		"order": testOutOfOrder, "timeout": testOneTimesOut, "crash": testOthersAreTold, "hammer": testSharedHammer,
	}
	for name, d := range drivers(t) {
		features, err := d.Probe(t.Context())
		if err != nil && os.Getenv("CI") != "true" {
			t.Logf("%s: %v", name, err)
			continue
		}
		for runtime, start := range sharedRuntimes(t) {
			for what, test := range tests {
				t.Run(name+"/"+runtime+"/"+what, func(t *testing.T) { test(start(t, d, features.Tier, 4)) })
			}
		}
	}
}

// told is the answer to one request, and what it cost.
type told struct {
	answer string
	rec    receipt.Receipt
	err    error
}

// send begins a request under an id of its own.
func (r *started) send(id, what string) <-chan told {
	got := make(chan told, 1)
	go func() {
		s := newSink()
		inv := invocation(`"` + what + `"`)
		inv.RequestID = id
		rec, err := r.Invoke(context.Background(), inv, s)
		got <- told{string(s.Bytes()), rec, err}
	}()
	return got
}

// compact is JSON without what runtimes write between its parts.
func compact(text string) string { return strings.ReplaceAll(text, ", ", ",") }

func testOutOfOrder(r *started) {
	first := r.send("id-wait", "wait")
	if got := <-r.send("id-wake", "wake"); got.err != nil || compact(got.answer) != `["wake","id-wake"]` {
		r.t.Fatalf("%+v\n%s", got, r.log)
	}
	got := <-first
	if got.err != nil || compact(got.answer) != `["wait","id-wait"]` {
		r.t.Errorf("%+v\n%s", got, r.log)
	}
	if got.rec.RequestID != "id-wait" || got.rec.Spent[receipt.Handler] <= 0 {
		r.t.Errorf("receipt %+v", got.rec)
	}
	for _, id := range []string{"id-wait", "id-wake"} {
		r.wantRecords(id, "platform.start", "platform.report")
	}
	if r.target.Version.Runtime != "provided.al2023" { // there the function logs as it likes
		r.wantLine("id-wait", "answer wait")
		r.wantLine("id-wake", "answer wake")
	}
}

// wantLine expects that a line of the function has its request's id.
func (r *started) wantLine(id, message string) {
	r.t.Helper()
	for line := range strings.Lines(r.log.String()) {
		var l struct{ RequestID, Message string }
		if json.Unmarshal([]byte(line), &l) == nil && l.Message == message {
			if l.RequestID != id {
				r.t.Errorf("%q is logged under %s", message, l.RequestID)
			}
			return
		}
	}
	r.t.Errorf("the log lacks %q:\n%s", message, r.log)
}

// Node's own: what a library finds of its request, a rejection that nobody handles, and a
// handler that cannot wait.
func TestManyAtOnceInOneEventLoop(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real process")
	}
	d := drivers(t)["process"]
	r := sharedRuntimes(t)["node"](t, d, lambda.TierProcess, 4)
	var got []<-chan told
	for n := range 4 {
		got = append(got, r.send(fmt.Sprint("id-", n), "store"))
	}
	for n, g := range got {
		id := fmt.Sprint("id-", n)
		if a := <-g; a.answer != `["`+id+`","`+id+`"]` {
			t.Errorf("%+v", a)
		}
	}
	other := r.send("id-wait", "wait")
	time.Sleep(200 * time.Millisecond)
	if a := <-r.send("id-reject", "reject"); !strings.Contains(a.answer, `"Runtime.UnhandledPromiseRejection"`) {
		t.Errorf("%s\n%s", a.answer, r.log)
	}
	if a := <-other; !strings.Contains(a.answer, "Runtime exited with error: exit status 128") {
		t.Errorf("%s\n%s", a.answer, r.log)
	}
	if a := <-r.send("id-after", "after"); a.answer != `["after","id-after"]` {
		t.Errorf("%+v\n%s", a, r.log)
	}
}

// A handler that takes no context has no other way to answer than by its return, and
// nobody sees when its part of the event loop is empty.
func TestManyAtOnceOfAPlainHandler(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real process")
	}
	c, err := runtimes.New(runtimes.Options{Dir: filepath.Join(openFolder(t), "runtimes")})
	if err != nil {
		t.Fatal(err)
	}
	code := openFolder(t)
	write(t, code, "app.js", "exports.handler = (event) => { console.log('ran'); };")
	r := startShared(t, drivers(t)["process"], lambda.TierProcess, code, anyRuntime(t, c, "nodejs"), c, 2)
	if got := <-r.send("id", "go"); got.answer != "null" {
		t.Errorf("%+v\n%s", got, r.log)
	}
}

// wantRecords expects lines of a request in the log, in this order.
func (r *started) wantRecords(id string, kinds ...string) {
	r.t.Helper()
	for line := range strings.Lines(r.log.String()) {
		var l struct {
			Type   string
			Record struct{ RequestID string }
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			r.t.Errorf("a line that is no JSON: %s", line)
		}
		if len(kinds) > 0 && l.Type == kinds[0] && l.Record.RequestID == id {
			kinds = kinds[1:]
		}
	}
	if len(kinds) > 0 {
		r.t.Errorf("the log of %s lacks %v:\n%s", id, kinds, r.log)
	}
}

// One request's timeout is its own: the others are answered, new ones are refused until
// they are, and then all is as new.
func testOneTimesOut(r *started) {
	slow := r.send("id-sleep", "sleep")
	time.Sleep(time.Second) // so that the next lives longer than the timeout of the first
	other := r.send("id-wait", "wait")
	if got := <-slow; got.err != nil || !strings.Contains(got.answer, "Task timed out after 2.00 seconds") {
		r.t.Errorf("%+v\n%s", got, r.log)
	}
	if got := <-r.send("id-new", "new"); got.err == nil {
		r.t.Errorf("an instance that is being emptied answered %+v", got)
	}
	if r.Reusable() {
		r.t.Error("an instance that is being emptied is called reusable")
	}
	got := <-other // nobody can wake it: its own timeout ends it, not the other's
	if got.err != nil || !strings.Contains(got.answer, "Task timed out") || got.rec.Wall() < 1900*time.Millisecond {
		r.t.Errorf("%+v\n%s", got, r.log)
	}
	if !r.Reusable() {
		r.t.Fatal("an instance that was emptied is not reusable")
	}
	fresh := <-r.send("id-fresh", "fresh")
	if compact(fresh.answer) != `["fresh","id-fresh"]` || fresh.rec.Spent[receipt.Runtime] <= 0 {
		r.t.Errorf("%+v\n%s", fresh, r.log)
	}
}

// When the process dies nobody waits for nothing, and the next request finds a new one.
func testOthersAreTold(r *started) {
	other := r.send("id-wait", "wait")
	time.Sleep(300 * time.Millisecond)
	if got := <-r.send("id-die", "die"); got.err != nil || !strings.Contains(got.answer, "Runtime.ExitError") {
		r.t.Errorf("%+v\n%s", got, r.log)
	}
	if strings.HasPrefix(r.target.Version.Runtime, "python") {
		<-r.send("id-wake", "wake") // a process for each request: the others live
		if got := <-other; got.err != nil || compact(got.answer) != `["wait","id-wait"]` {
			r.t.Errorf("%+v\n%s", got, r.log)
		}
	} else if got := <-other; got.err != nil || !strings.Contains(got.answer, "Runtime.ExitError") {
		r.t.Errorf("%+v\n%s", got, r.log)
	}
	for n := range 8 {
		id := fmt.Sprintf("id-%d", n)
		if got := <-r.send(id, "again"); got.err != nil || compact(got.answer) != `["again","`+id+`"]` {
			r.t.Errorf("%+v\n%s", got, r.log)
		}
	}
}

// Four callers at once, as fast as they can: every answer is the asker's own.
func testSharedHammer(r *started) {
	var callers sync.WaitGroup
	for caller := range 4 {
		callers.Go(func() {
			for n := range 100 {
				id := fmt.Sprintf("id-%d-%d", caller, n)
				got := <-r.send(id, "hit")
				if got.err != nil || compact(got.answer) != `["hit","`+id+`"]` {
					r.t.Errorf("%s: %+v", id, got)
					return
				}
			}
		})
	}
	callers.Wait()
}
