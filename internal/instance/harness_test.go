package instance_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/fake"
	"lambent.dev/lambent/internal/stem"
)

// catalogue is a Runtimes of one entry.
type catalogue struct{ launch runtimes.Launch }

func (c catalogue) Resolve(*lambda.Version) (runtimes.Launch, error) { return c.launch, nil }

// framed is a runtime that speaks frames.
var framed = runtimes.Launch{Protocol: runtimes.Framed, Commands: []string{"/var/lang/bin/runtime"}, Env: []string{"PATH=/var/lang/bin:/bin"}}

// logBuffer keeps a log in memory.
type logBuffer struct {
	mu     sync.Mutex // guards what follows
	text   bytes.Buffer
	closed bool
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// rig is a launcher on the fake driver.
type rig struct {
	t      *testing.T
	driver *fake.Driver
	log    *logBuffer
	target *lambda.Target
	deps   instance.Deps
}

func newRig(t *testing.T, s fake.Script) *rig {
	t.Helper()
	r := &rig{t: t, driver: fake.New(s), log: &logBuffer{}, target: newTarget()}
	template, err := r.driver.Prepare(t.Context(), sandbox.Base{})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	r.deps = instance.Deps{
		Boxes:    boxesOf(t, template),
		Runtimes: catalogue{framed},
		Code:     func(context.Context, string) (string, error) { return folder, nil },
		Logs:     func(lambda.FunctionID, string) io.WriteCloser { return r.log },
	}
	return r
}

// boxesOf gives out boxes of one template, made when they are asked for.
func boxesOf(t testing.TB, template sandbox.Template) instance.Boxes {
	t.Helper()
	return boxesFrom(t, func(context.Context, lambda.Tier, sandbox.Base) (sandbox.Template, error) { return template, nil }, stem.Settings{})
}

func boxesFrom(t testing.TB, templates func(context.Context, lambda.Tier, sandbox.Base) (sandbox.Template, error), s stem.Settings) *stem.Store {
	t.Helper()
	store, err := stem.New(stem.Deps{
		Templates: templates, Owner: "instance-test", Addresses: instance.Addresses(),
		Early: func(lambda.Tier) bool { return true },
	}, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func newTarget() *lambda.Target {
	return &lambda.Target{
		ID:   lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "fn"},
		Tier: lambda.TierLight,
		Version: lambda.Version{
			Version: lambda.Latest, Runtime: "python3.12", Handler: "app.handler", Timeout: 3, MemorySize: 128, TmpSize: 512,
			Code: lambda.Code{Digest: "ab"},
		},
	}
}

// start starts an instance; when the test ends it is closed and nothing may be left.
func (r *rig) start() *instance.Instance {
	r.t.Helper()
	i, err := instance.NewLauncher(r.deps).Start(r.t.Context(), r.target)
	if err != nil {
		r.t.Fatalf("start: %v", err)
	}
	r.t.Cleanup(func() { _ = i.Close(context.Background()) }) // also when the test fails
	return i
}

// finish closes i and checks that nothing is left.
func (r *rig) finish(i *instance.Instance) {
	r.t.Helper()
	if err := i.Close(context.Background()); err != nil {
		r.t.Errorf("close: %v", err)
	}
	if err := i.Close(context.Background()); err != nil {
		r.t.Errorf("second close: %v", err)
	}
	select {
	case <-i.Done():
	default:
		r.t.Error("Done is open after Close")
	}
	r.nothingLeft()
	if !r.log.closed {
		r.t.Error("the log stream was not closed")
	}
}

func (r *rig) nothingLeft() {
	r.t.Helper()
	synctest.Wait()
	if c := r.driver.Count(); !c.Idle() {
		r.t.Errorf("left behind: %+v", c)
	}
}

// sink is a lambda.Sink that checks the calling order.
type sink struct {
	lambda.Buffer
	finished int
	block    chan struct{} // Write waits for it to be closed
	entered  chan struct{} // closed by the first Write
	once     sync.Once
}

func newSink() *sink { return &sink{Buffer: lambda.Buffer{Cap: lambda.MaxResponse}} }

func (s *sink) Write(p []byte) (int, error) {
	if s.block != nil {
		s.once.Do(func() { close(s.entered) })
		<-s.block
	}
	return s.Buffer.Write(p)
}

func (s *sink) Finish(e *lambda.FunctionError) {
	s.finished++
	s.Buffer.Finish(e)
}

const requestID = "8f5e2c6e-0000-4000-8000-000000000001"

func invocation(payload string) *lambda.Invocation {
	return &lambda.Invocation{
		RequestID: requestID, Function: newTarget().ID, Type: lambda.RequestResponse, Payload: []byte(payload), TailLog: true,
	}
}

// invoke expects that the function got the event, and returns its answer.
func (r *rig) invoke(i *instance.Instance, payload string) (string, receipt.Receipt) {
	r.t.Helper()
	s := newSink()
	got, err := i.Invoke(context.Background(), invocation(payload), s)
	if err != nil {
		r.t.Fatalf("invoke: %v", err)
	}
	if s.finished != 1 {
		r.t.Errorf("the sink was finished %d times", s.finished)
	}
	return string(s.Bytes()), got
}

// expect invokes and compares the answer.
func (r *rig) expect(i *instance.Instance, payload, want string) receipt.Receipt {
	r.t.Helper()
	got, rec := r.invoke(i, payload)
	if got != want {
		r.t.Errorf("answer to %s:\n got %s\nwant %s", payload, got, want)
	}
	return rec
}

// fails is the body of a function's error.
func fails(kind, text string) string {
	return `{"errorType":"` + kind + `","errorMessage":"RequestId: ` + requestID + ` Error: ` + text + `"}`
}

func wantLog(t *testing.T, log string, wants ...string) {
	t.Helper()
	at := 0
	for _, w := range wants {
		n := strings.Index(log[at:], w)
		if n < 0 {
			t.Fatalf("the log lacks %q after %q:\n%s", w, log[:at], log)
		}
		at += n + len(w)
	}
}

var errBoom = errors.New("boom")

// clientIn is an HTTP client of a program inside a fake box.
func clientIn(p *fake.Proc) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: p.DialContext}}
}
