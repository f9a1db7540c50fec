package router_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/router"
)

// starter starts instances that answer with their generation.
type starter struct {
	starts  atomic.Int64
	open    atomic.Int64
	running atomic.Int64 // invocations now
	most    atomic.Int64 // at once, ever
	work    time.Duration
}

func (s *starter) Start(_ context.Context, t *lambda.Target) (pool.Instance, error) {
	s.starts.Add(1)
	s.open.Add(1)
	launch := receipt.Launch{Kind: receipt.Cold, Began: time.Now()}
	body := strconv.AppendUint(nil, t.Version.Generation, 10)
	return &unit{starter: s, body: body, launch: launch, done: make(chan struct{})}, nil
}

type unit struct {
	starter *starter
	body    []byte
	launch  receipt.Launch
	done    chan struct{}
}

func (u *unit) Invoke(_ context.Context, _ *lambda.Invocation, sink lambda.Sink) (rec receipt.Receipt, err error) {
	defer u.starter.running.Add(-1)
	raise(&u.starter.most, u.starter.running.Add(1))
	if u.starter.work > 0 {
		time.Sleep(u.starter.work)
		rec.Add(receipt.Handler, u.starter.work)
	}
	_, err = sink.Write(u.body)
	sink.Finish(nil)
	return rec, err
}

func (u *unit) ID() string                   { return "unit" }
func (u *unit) Launch() receipt.Launch       { return u.launch }
func (u *unit) Reusable() bool               { return true }
func (u *unit) Freeze(context.Context) error { return nil }
func (u *unit) Thaw(context.Context) error   { return nil }

func (u *unit) Reclaim(context.Context) (int64, error) { return 0, nil }

func (u *unit) Done() <-chan struct{} { return u.done }
func (u *unit) Err() error            { return nil }
func (u *unit) Close(context.Context) error {
	u.starter.open.Add(-1)
	close(u.done)
	return nil
}

// line is a router on a pool, closed at the end of the test.
type line struct {
	*router.Router
	starter *starter
}

func newLine(t testing.TB, limit int) *line {
	t.Helper()
	return newLineUnder(t, limit, lambda.Isolation{Default: lambda.TierLight})
}

func newLineUnder(t testing.TB, limit int, rule lambda.Isolation) *line {
	t.Helper()
	return newLineWith(t, limit, router.Settings{Isolation: rule})
}

func newLineWith(t testing.TB, limit int, with router.Settings) *line {
	t.Helper()
	s := &starter{}
	settings := pool.DefaultSettings()
	settings.FreezeAfter = -1
	p, err := pool.New(s, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil || s.open.Load() != 0 {
			t.Errorf("Close: %v, %d instances left", err, s.open.Load())
		}
	})
	r := router.New(p, router.NewLocal(limit), with)
	return &line{Router: r, starter: s}
}

var f = lambda.FunctionID{Account: "111111111111", Region: "us-east-1", Name: "f"}

// function makes an active function with the published versions named.
func function(id lambda.FunctionID, generation uint64, published ...string) lambda.Function {
	version := func(name string) lambda.Version {
		return lambda.Version{Version: name, State: "Active", Generation: generation, MemorySize: 128}
	}
	fn := lambda.Function{ID: id, Latest: version(lambda.Latest)}
	for _, name := range published {
		fn.Published = append(fn.Published, version(name))
	}
	return fn
}

func (l *line) put(t testing.TB, fn lambda.Function) {
	t.Helper()
	if err := l.Put(fn); err != nil {
		t.Fatal(err)
	}
}

// call invokes a function.
func (l *line) call(id lambda.FunctionID, qualifier string) (body string, rec receipt.Receipt, err error) {
	sink := &lambda.Buffer{Cap: 100}
	inv := &lambda.Invocation{RequestID: "r-1", Function: id, Qualifier: qualifier, Type: lambda.RequestResponse}
	rec, err = l.Invoke(context.Background(), inv, sink)
	return string(sink.Bytes()), rec, err
}

// wantError checks an error of the API, with the reason of a throttle.
func wantError(t testing.TB, err error, kind *lambda.ErrorKind, message, reason string) {
	t.Helper()
	var e *lambda.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Message != message || e.Reason != reason {
		t.Errorf("err = %#v, want %s %q %q", err, kind.Name, message, reason)
	}
}
