package instance_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
)

// attack is what a runtime tries with whom it speaks with; see testdata/hostile.
type attack struct {
	name string
	want string // the answer that the caller gets has it
	lost bool   // the runtime never gets as far as to answer anybody
}

// timeout is the function's, in seconds: what ends by it need not be waited for, all else has time.
func (a *attack) timeout() int {
	if a.want == timedOut {
		return 1
	}
	return unhurried
}

// initLimit bounds the initialisation of what must end by it; all else has time for it.
func (a *attack) initLimit() time.Duration {
	if a.lost && a.want == timedOut {
		return time.Second
	}
	return unhurried * time.Second
}

const timedOut = `Sandbox.Timedout`

// httpAttacks come over the Runtime API and call-home.
var httpAttacks = []attack{
	// a runtime that lies about request ids
	{name: "other-id", want: `"400"`},
	{name: "id-of-path", want: `"404"`},
	// protocol confusion
	{name: "late-init-error", want: `"403"`},
	{name: "two-answers", want: `"first"`},
	{name: "answer-and-error", want: `"first"`},
	{name: "two-lengths", want: `HTTP/1.1 400`},
	{name: "length-and-chunks", want: `HTTP/1.1 501`},
	{name: "not-http", want: `HTTP/1.1 400`},
	{name: "proxy", want: `HTTP/1.1 404`},
	{name: "tunnel", want: `HTTP/1.1 404`},
	// oversized
	{name: "large-header", want: `HTTP/1.1 431`},
	{name: "many-headers", want: `HTTP/1.1 431`},
	{name: "endless-answer", want: `Function.ResponseSizeTooLarge`},
	// slow loris
	{name: "half-answer", want: `Runtime.TruncatedResponse`},
	{name: "slow-loris", want: timedOut},
	{name: "slow-loris-home", want: timedOut},
	{name: "next-without-answer", want: timedOut},
	// call-home abuse
	{name: "home-as-another", want: `arn:aws:lambda:us-east-1:000000000000:function:fn`},
}

// frameAttacks come over a stream.
var frameAttacks = []attack{
	{name: "length-of-4GiB", want: timedOut},
	{name: "error-of-4GiB", want: timedOut},
	{name: "deep-error", want: `{"errorType":[{`}, // passed on, not parsed into
	{name: "slot-of-another", want: `Runtime.`},
	{name: "unknown-type", want: `Runtime.`},
	{name: "invoke-the-host", want: `Runtime.`},
	{name: "unknown-flag", want: `Runtime.`},
	{name: "two-answers", want: `"fine"`},
	{name: "ready-again", want: `Runtime.`},
	{name: "half-a-header", want: timedOut},
	{name: "more-for-ever", want: timedOut},
	{name: "last-and-on", want: `Gone`},
	{name: "init-begun-for-ever", want: timedOut, lost: true},
	{name: "init-answer", want: `Runtime.`, lost: true},
	{name: "init-large-error", want: timedOut, lost: true},
	{name: "init-noise", want: `Runtime.`, lost: true},
}

// hostileFrames is the launch of a hostile runtime that speaks frames.
var hostileFrames = runtimes.Launch{Protocol: runtimes.Framed, Commands: []string{"/var/task/bootstrap"}}

// mostDescriptors is what a function may make the daemon hold, beside what it holds at rest:
// connections that are served or wait for that, on two listeners, in every driver.
const mostDescriptors = 450

// TestHostileRuntimes has runtimes attack their instance from real boxes. The caller of an
// attacked function gets an error of that function or its answer, the next one an answer; a
// neighbour and the daemon come to no harm.
func TestHostileRuntimes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real sandboxes")
	}
	if n := len(httpAttacks) + len(frameAttacks); n < 34 {
		t.Errorf("only %d attacks", n)
	}
	code, good := openFolder(t), openFolder(t)
	if err := os.Rename(build(t, code, "./testdata/hostile"), filepath.Join(code, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	build(t, good, "./testdata/bootstrap")
	for name, d := range drivers(t) {
		if name == "process" {
			continue // it isolates nothing
		}
		t.Run(name, func(t *testing.T) {
			features, err := d.Probe(t.Context())
			if errors.Is(err, sandbox.ErrUnavailable) && os.Getenv("CI") != "true" {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			f := &frontier{driver: d, tier: features.Tier, code: code, neighbour: startReal(t, d, features.Tier, good)}
			for _, a := range httpAttacks {
				t.Run("http/"+a.name, func(t *testing.T) { f.withstands(t, a, provided, "provided.al2023") })
			}
			for _, a := range frameAttacks {
				t.Run("frames/"+a.name, func(t *testing.T) { f.withstands(t, a, hostileFrames, "python3.12") })
			}
		})
	}
}

// frontier is where hostile runtimes are met.
type frontier struct {
	driver    sandbox.Driver
	tier      lambda.Tier
	code      string
	neighbour *started
	asked     int
}

func (f *frontier) withstands(t *testing.T, a attack, launch runtimes.Launch, runtime string) {
	before := descriptors(t)
	r := startTarget(t, f.driver, f.code, catalogue{launch}, func(target *lambda.Target) {
		target.Tier, target.Version.Timeout, target.Version.Runtime, target.Version.Handler = f.tier, a.timeout(), runtime, a.name
	}, func(deps *instance.Deps) { deps.InitTimeout = a.initLimit() })
	answered := make(chan string, 1)
	go func() {
		s := newSink()
		_, err := r.Invoke(t.Context(), invocation(`"attack"`), s)
		if err != nil {
			answered <- "error of Lambent's: " + err.Error()
			return
		}
		answered <- string(s.Bytes())
	}()
	most := f.watch(t, answered, a)
	if most > before+mostDescriptors {
		t.Errorf("the daemon held %d descriptors, and %d before", most, before)
	}
	if !a.lost {
		f.recovers(t, r)
	}
}

// recovers: what the attacker left in its own way, connections that wait before the next one's
// for instance, is gone in a while.
func (f *frontier) recovers(t *testing.T, r *started) {
	t.Helper()
	got := ""
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if got, _ = r.do("again"); strings.Contains(got, `"fine"`) {
			return
		}
	}
	t.Errorf("after the attack the function answers %.300s\n%s", got, r.log)
}

// watch talks to the neighbour until the attacked function has answered, and returns how many
// descriptors this process held at most.
func (f *frontier) watch(t *testing.T, answered <-chan string, a attack) (most int) {
	t.Helper()
	for {
		f.askNeighbour(t)
		most = max(most, descriptors(t))
		select {
		case got := <-answered:
			if !strings.Contains(got, a.want) {
				t.Errorf("the caller got %.300s, want %s", got, a.want)
			}
			f.askNeighbour(t)
			return most
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// askNeighbour: a module that counts has been the same one all the time.
func (f *frontier) askNeighbour(t *testing.T) {
	t.Helper()
	f.asked++
	s := newSink()
	rec, err := f.neighbour.Invoke(t.Context(), invocation(`"count"`), s)
	if want := `"module":` + strconv.Itoa(f.asked) + `,`; err != nil || !strings.Contains(string(s.Bytes()), want) {
		t.Fatalf("harm to the neighbour: %s, %v, want %s", s.Bytes(), err, want)
	}
	if handler := rec.Spent[receipt.Handler]; handler > 10*time.Second {
		t.Errorf("the neighbour took %v", handler)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
