package instance_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/process"
)

// openings are functions that print while they are initialised and while they run. What each
// does is in its variables.
var openings = map[string]struct{ file, code string }{
	"provided": {"bootstrap", `#!/usr/bin/env python3
import json, os, time, urllib.request
api = "http://%s/2018-06-01/" % os.environ["AWS_LAMBDA_RUNTIME_API"]
call = lambda path, body=None: urllib.request.urlopen(api + path, body)
say = lambda text: print(text, flush=True)
call("ping")
say("initialising")
what = os.environ["WHAT"]
time.sleep(float(os.environ["INIT"]))
if what == "exit": os._exit(3)
if what == "raise":
    call("runtime/init/error", b'{"errorType": "ValueError", "errorMessage": "no"}')
    os._exit(1)
say("initialised")
while True:
    event = call("runtime/invocation/next")
    say("handling")
    left = int(event.headers["Lambda-Runtime-Deadline-Ms"]) - int(time.time() * 1000)
    if what == "dies": os._exit(4)
    time.sleep(float(os.environ["HANDLE"]))
    body = json.dumps({"left": left, "event": len(json.loads(event.read()))}).encode()
    call("runtime/invocation/%s/response" % event.headers["Lambda-Runtime-Aws-Request-Id"], body)
`},
	"python": {"app.py", `
import os, time
print("initialising")
what = os.environ["WHAT"]
time.sleep(float(os.environ["INIT"]))
if what == "exit": os._exit(3)
if what == "raise": raise ValueError("no")
print("initialised")
def handler(event, context):
    print("handling")
    if what == "dies": os._exit(4)
    left = context.get_remaining_time_in_millis()
    time.sleep(float(os.environ["HANDLE"]))
    return {"left": left, "event": len(event)}
`},
	"nodejs": {"app.js", `
console.log('initialising');
const { WHAT, INIT, HANDLE } = process.env;
const sleep = (s) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, s * 1000 + 1);
sleep(INIT);
if (WHAT === 'exit') process.exit(3);
if (WHAT === 'raise') throw new Error('no');
console.log('initialised');
exports.handler = async (event, context) => {
  console.log('handling');
  if (WHAT === 'dies') process.exit(4);
  const left = context.getRemainingTimeInMillis();
  sleep(HANDLE);
  return { left, event: event.length };
};
`},
}

// opening prepares instances of one of them whose first invocation starts their runtime.
type opening struct {
	t        *testing.T
	driver   sandbox.Driver
	runtimes *runtimes.Catalogue
	id       string
	code     string
}

// catalogue has the runtimes of the host, and the place of a program that a function brings.
func (o *opening) catalogue() instance.Runtimes {
	if o.id == ofProgram {
		return catalogue{provided}
	}
	return o.runtimes
}

const ofProgram = "provided.al2023"

// prepare returns an instance whose runtime was never started, with a timeout of 2 s.
func (o *opening) prepare(what, init, handle string, settings ...func(*instance.Deps)) *started {
	o.t.Helper()
	change := func(target *lambda.Target) {
		target.Tier, target.Version.Timeout, target.Version.Runtime = lambda.TierProcess, 2, o.id
		target.Version.Environment = map[string]string{"WHAT": what, "INIT": init, "HANDLE": handle}
	}
	r, launcher := launcherOf(o.t, o.driver, o.code, o.catalogue(), change, settings...)
	i, err := launcher.Prepare(o.t.Context(), r.target)
	r.holds(i, err)
	return r
}

// TestOpening: the first invocation of an instance starts its runtime and hands its event over
// with the workload. All that is told of it is as if it had come later.
func TestOpening(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real interpreters")
	}
	folder := openFolder(t)
	c, err := runtimes.New(runtimes.Options{Dir: filepath.Join(folder, "runtimes")})
	if err != nil {
		t.Fatal(err)
	}
	d := process.New(process.Options{Owner: "instance-test", Dir: filepath.Join(folder, "process"), Allow: true})
	for language, function := range openings {
		t.Run(language, func(t *testing.T) {
			o := &opening{t, d, c, ofProgram, openFolder(t)}
			if language != "provided" {
				o.id = anyRuntime(t, c, language)
			}
			if err := os.WriteFile(filepath.Join(o.code, function.file), []byte(function.code), 0o755); err != nil {
				t.Fatal(err)
			}
			for name, test := range map[string]func(*opening){
				"answers": (*opening).answers, "long event": (*opening).answersLong, "timeout": (*opening).timesOut,
				"raises": (*opening).raises, "exits": (*opening).exits, "slow init": (*opening).initialisesSlowly,
				"ahead": (*opening).initialisesAhead, "dies": (*opening).dies,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel() // they wait
					one := *o
					one.t = t
					test(&one)
				})
			}
		})
	}
}

// order checks that all stand in the log, in that order.
func (r *started) order(want ...string) {
	r.t.Helper()
	wantLog(r.t, r.log.String(), want...)
}

// left reads how much time the handler had when it began, in ms.
func (r *started) left(answer string) int {
	r.t.Helper()
	found := regexp.MustCompile(`"left": ?(\d+)`).FindStringSubmatch(answer)
	if found == nil {
		r.t.Fatalf("%s\n%s", answer, r.log)
	}
	left, _ := strconv.Atoi(found[1])
	return left
}

// answers: the time of the initialisation is not the function's, the phases say which is
// which, and the log has its lines where they belong.
func (o *opening) answers() {
	r := o.prepare("", "0.3", "0.5")
	began := time.Now()
	answer, rec := r.do("go")
	wall := time.Since(began)
	if left := r.left(answer); left <= 500 || left > 2000 {
		r.t.Errorf("%d ms of 2000 are left", left)
	}
	if init, handler := rec.Spent[receipt.Init], rec.Spent[receipt.Handler]; init < 300*time.Millisecond || handler < 250*time.Millisecond || rec.Spent[receipt.Runtime] <= 0 {
		r.t.Errorf("phases %v", rec.Spent)
	}
	if rec.Wall() > wall || wall-rec.Wall() > 50*time.Millisecond+wall/4 {
		r.t.Errorf("the phases sum to %v of %v", rec.Wall(), wall)
	}
	r.order("INIT_START", "initialising", "START ", "handling", "END ", "REPORT ", "Init Duration: ")
	o.initialisedBefore(r)
	if _, rec := r.do("go"); rec.Spent[receipt.Init] != 0 || strings.Count(r.log.String(), "Init Duration") != 1 {
		r.t.Errorf("the second: %v\n%s", rec.Spent, r.log)
	}
}

// initialisedBefore: what a program prints last before it asks for work is the initialisation's.
// A runtime that has its event on its stream may go on with it at once.
func (o *opening) initialisedBefore(r *started) {
	r.t.Helper()
	if o.id == ofProgram {
		r.order("initialised", "START ", "handling")
	}
}

// answersLong: an event that no socket takes in at once is handed over when there is who reads
// it.
func (o *opening) answersLong() {
	r := o.prepare("", "0", "0")
	answer, _ := r.do(strings.Repeat("x", 1<<20))
	if !regexp.MustCompile(`"event": ?1048576`).MatchString(answer) {
		r.t.Errorf("%s", answer)
	}
	r.order("INIT_START", "initialising", "START ", "handling", "END ")
}

// timesOut: the function's time begins with the end of the initialisation.
func (o *opening) timesOut() {
	r := o.prepare("", "0.5", "60")
	rec := r.expect("go", fails("Sandbox.Timedout", "Task timed out after 2.00 seconds"))
	if rec.Spent[receipt.Handler] < 1900*time.Millisecond {
		r.t.Errorf("phases %v", rec.Spent)
	}
	r.order("INIT_START", "initialising", "START ", "handling", "END ", "Init Duration: ", "Status: timeout")
}

func (o *opening) raises() {
	r := o.prepare("raise", "0", "0")
	if answer, rec := r.do("go"); !strings.Contains(answer, "Error") || rec.Fault == "" || rec.Spent[receipt.Handler] != 0 {
		r.t.Errorf("%s, %+v", answer, rec)
	}
	r.order("INIT_START", "initialising", "INIT_REPORT", "Status: error", "START ", "END ", "REPORT ")
}

func (o *opening) exits() {
	r := o.prepare("exit", "0", "0")
	r.expect("go", fails("Runtime.ExitError", "Runtime exited with error: exit status 3"))
	r.order("INIT_START", "initialising", "INIT_REPORT", "Status: error", "START ", "END ", "REPORT ")
	if strings.Contains(r.log.String(), "handling") {
		r.t.Errorf("the function got the event:\n%s", r.log)
	}
}

// dies: the function has the event when it ends, so nobody else gets it.
func (o *opening) dies() {
	r := o.prepare("dies", "0", "0")
	r.expect("go", fails("Runtime.ExitError", "Runtime exited with error: exit status 4"))
	r.order("INIT_START", "START ", "handling", "END ", "REPORT ")
	o.initialisedBefore(r)
	if strings.Count(r.log.String(), "handling") != 1 {
		r.t.Errorf("%s", r.log)
	}
}

// initialisesSlowly: an initialisation that exceeds its limit is tried again inside the
// function's time, which it then exceeds as well.
func (o *opening) initialisesSlowly() {
	r := o.prepare("", "60", "0", func(d *instance.Deps) { d.InitTimeout = 500 * time.Millisecond })
	r.expect("go", fails("Sandbox.Timedout", "Task timed out after 2.00 seconds"))
	r.order("INIT_START", "INIT_REPORT", "Phase: init\tStatus: timeout", "START ", "INIT_REPORT", "Phase: invoke\tStatus: timeout", "END ", "Status: timeout")
	if strings.Count(r.log.String(), "START RequestId") != 1 {
		r.t.Errorf("%s", r.log)
	}
}

// initialisesAhead: what is initialised without a request serves as ever.
func (o *opening) initialisesAhead() {
	r := o.prepare("", "0", "0")
	for range 2 {
		if err := r.Initialise(o.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
	if _, rec := r.do("go"); rec.Spent[receipt.Init]+rec.Spent[receipt.Runtime] != 0 || r.Launch().Init <= 0 {
		r.t.Errorf("phases %v, launch %+v", rec.Spent, r.Launch())
	}
	r.order("INIT_START", "initialising", "START ", "handling", "END ", "Init Duration: ")
}
