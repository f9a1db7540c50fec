package router_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/router"
)

// stored is a source of functions that counts how often it is read.
type stored struct {
	reads atomic.Int64
	slow  time.Duration

	mu        sync.Mutex // guards what follows
	functions map[lambda.FunctionID]lambda.Function
	broken    error
}

func (s *stored) set(fn lambda.Function) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.functions[fn.ID] = fn
}

func (s *stored) read(_ context.Context, id lambda.FunctionID) (lambda.Function, bool, error) {
	s.reads.Add(1)
	time.Sleep(s.slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	fn, found := s.functions[id]
	return fn, found, s.broken
}

// lazy is a line whose directory keeps no configuration.
func lazy(t testing.TB, keepAlive time.Duration) (*line, *stored) {
	t.Helper()
	s, source := &starter{}, &stored{functions: map[lambda.FunctionID]lambda.Function{}}
	settings := pool.DefaultSettings()
	settings.FreezeAfter, settings.KeepAlive = -1, keepAlive
	p, err := pool.New(s, settings)
	if err != nil {
		t.Fatal(err)
	}
	r := router.New(p, router.NewLocal(10), router.Settings{Isolation: lambda.Isolation{Default: lambda.TierLight}, Source: source.read})
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	return &line{Router: r, starter: s}, source
}

// store puts a function into the source and the directory.
func (s *stored) store(t testing.TB, l *line, fn lambda.Function) {
	t.Helper()
	s.set(fn)
	l.put(t, fn)
}

func wantCall(t *testing.T, l *line, want string) {
	t.Helper()
	if body, _, err := l.call(f, ""); err != nil || body != want {
		t.Errorf("answered %s, %v, want %s", body, err, want)
	}
}

func collectGarbage() {
	for range 3 {
		runtime.GC()
	}
}

// The configuration is read when a function is invoked first, and not again while an
// instance lives, also after a change that leaves the instance what it is.
func TestConfigurationIsReadOnce(t *testing.T) {
	l, source := lazy(t, time.Hour)
	fn := function(f, 1, "1")
	source.store(t, l, fn)
	if n := source.reads.Load(); n != 0 {
		t.Errorf("read %d times before an invocation", n)
	}
	wantCall(t, l, "1")
	collectGarbage()
	wantCall(t, l, "1")
	for range 3 {
		fn.Aliases = append(fn.Aliases, lambda.Alias{Name: "live", Version: lambda.Latest})
		source.store(t, l, fn)
		collectGarbage()
	}
	wantCall(t, l, "1")
	collectGarbage()
	wantCall(t, l, "1")
	if n, starts := source.reads.Load(), l.starter.starts.Load(); n != 1 || starts != 1 {
		t.Errorf("read %d times for %d starts, want 1 and 1", n, starts)
	}
}

// A tag that leaves the generation holds for the next request, although the instance lives.
func TestWarmFunctionHearsOfItsTags(t *testing.T) {
	l, source := lazy(t, time.Hour)
	fn := function(f, 1)
	source.store(t, l, fn)
	wantCall(t, l, "1")
	fn.Tags = map[string]string{"team": "blue"}
	source.store(t, l, fn)
	got, err := l.Resolve(t.Context(), f, "")
	if err != nil || got.Tags["team"] != "blue" || source.reads.Load() != 1 {
		t.Errorf("tags %v, %v, %d reads", got.Tags, err, source.reads.Load())
	}
}

// What no instance uses is not kept.
func TestConfigurationIsLetGo(t *testing.T) {
	l, source := lazy(t, 0)
	source.store(t, l, function(f, 1))
	wantCall(t, l, "1")
	for end := time.Now().Add(5 * time.Second); l.starter.open.Load() > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(10 * time.Millisecond) // its goroutine ends
	collectGarbage()
	wantCall(t, l, "1")
	if n := source.reads.Load(); n != 2 {
		t.Errorf("read %d times, want 2", n)
	}
}

// Many who want a function that nobody uses share one reading.
func TestConfigurationIsReadTogether(t *testing.T) {
	l, source := lazy(t, time.Hour)
	source.slow = 20 * time.Millisecond
	source.store(t, l, function(f, 1))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { wantCall(t, l, "1") })
	}
	all.Wait()
	if n := source.reads.Load(); n != 1 {
		t.Errorf("read %d times", n)
	}
}

// A reservation of a function that nobody has invoked holds for it and against others.
func TestIdleFunctionHasItsReservation(t *testing.T) {
	l, source := lazy(t, time.Hour)
	none, all := 0, 10
	fn := function(f, 1)
	fn.ReservedConcurrency = &none
	source.store(t, l, fn)
	_, _, err := l.call(f, "")
	wantError(t, err, lambda.ErrTooManyRequests, "Rate Exceeded.", lambda.ReasonReservedConcurrency)
	fn.ReservedConcurrency = nil
	source.store(t, l, fn)
	wantCall(t, l, "1")
	other := f
	other.Name = "other"
	greedy := function(other, 1)
	greedy.ReservedConcurrency = &all
	source.store(t, l, greedy)
	_, _, err = l.call(f, "")
	wantError(t, err, lambda.ErrTooManyRequests, "Rate Exceeded.", lambda.ReasonConcurrency)
}

func TestSourceFails(t *testing.T) {
	l, source := lazy(t, time.Hour)
	source.store(t, l, function(f, 1))
	source.broken = errors.New("the disk is gone")
	_, _, err := l.call(f, "")
	if !errors.Is(err, source.broken) {
		t.Errorf("the cause is lost: %v", err)
	}
	wantError(t, err, lambda.ErrService, "The function's configuration could not be read. Try again; Lambent's log says why.", "")
	source.broken = nil
	delete(source.functions, f) // a deletion that has not reached the directory
	_, _, err = l.call(f, "")
	wantError(t, err, lambda.ErrResourceNotFound, "Function not found: arn:aws:lambda:us-east-1:111111111111:function:f", "")
}

// The store hears of an update before the directory does. Who comes between gets what is
// stored, in an instance that is kept.
func TestStoreIsAhead(t *testing.T) {
	l, source := lazy(t, time.Hour)
	source.store(t, l, function(f, 1))
	source.set(function(f, 2))
	wantCall(t, l, "2")
	l.put(t, function(f, 2))
	wantCall(t, l, "2")
	source.store(t, l, function(f, 3))
	wantCall(t, l, "3")
}

// Updates race invocations that read the configuration: none runs what was replaced before
// it began.
func TestLoadsRaceUpdates(t *testing.T) {
	l, source := lazy(t, 0)
	source.store(t, l, function(f, 1))
	var latest atomic.Int64
	latest.Store(1)
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				least := latest.Load()
				body, _, err := l.call(f, "")
				var got int64
				if _, scanned := fmt.Sscan(body, &got); scanned != nil || err != nil || got < least {
					t.Errorf("answered %s, %v after an update to %d", body, err, least)
				}
			}
		})
	}
	for n := uint64(2); n < 200; n++ {
		source.store(t, l, function(f, n))
		latest.Store(int64(n))
		if n%20 == 0 {
			runtime.GC()
		}
	}
	close(stop)
	all.Wait()
}

// maxIdle is what a function with one published version may cost while it is idle, in
// bytes of memory in use.
const maxIdle = 450

func TestIdleFunctionsCostLittle(t *testing.T) {
	l, _ := lazy(t, time.Hour)
	const functions = 20_000
	before := heap()
	for i := range functions {
		id := f
		id.Account, id.Name = string([]byte(f.Account)), fmt.Sprintf("function-%05d", i)
		l.put(t, function(id, uint64(i), "1"))
	}
	each := (heap() - before) / functions
	t.Logf("%d bytes each", each)
	if each > maxIdle {
		t.Errorf("more than %d", maxIdle)
	}
	runtime.KeepAlive(l)
}

func heap() uint64 {
	collectGarbage()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
