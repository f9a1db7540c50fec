package router_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/router"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/fake"
	"lambent.dev/lambent/internal/stem"
)

const ms = time.Millisecond

// whole is the line from the router to the driver, on the fake driver.
type whole struct {
	*router.Router
	pool   *pool.Pool
	driver *fake.Driver
}

// catalogue knows one runtime, which speaks frames.
type catalogue struct{}

func (catalogue) Resolve(*lambda.Version) (runtimes.Launch, error) {
	return runtimes.Launch{Protocol: runtimes.Framed, Commands: []string{"/var/lang/bin/runtime"}}, nil
}

type noLog struct{ io.Writer }

func (noLog) Close() error { return nil }

func newWhole(t testing.TB, script fake.Script, change func(*pool.Settings)) *whole {
	t.Helper()
	driver := fake.New(script)
	template, err := driver.Prepare(context.Background(), sandbox.Base{})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	boxes, err := stem.New(stem.Deps{
		Templates: func(context.Context, lambda.Tier, sandbox.Base) (sandbox.Template, error) { return template, nil },
		Owner:     "test",
	}, stem.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	launcher := instance.NewLauncher(instance.Deps{
		Boxes:    boxes,
		Runtimes: catalogue{},
		Code:     func(context.Context, string) (string, error) { return folder, nil },
		Logs:     func(lambda.FunctionID, string) io.WriteCloser { return noLog{io.Discard} },
	})
	settings := pool.DefaultSettings()
	if change != nil {
		change(&settings)
	}
	p, err := pool.New(pool.Launcher{Launcher: launcher}, settings)
	if err != nil {
		t.Fatal(err)
	}
	r := router.New(p, router.NewLocal(router.DefaultConcurrency), router.Settings{Isolation: lambda.Isolation{Default: lambda.TierLight}})
	return &whole{Router: r, pool: p, driver: driver}
}

// finish closes the pool; nothing of any instance may be left.
func (w *whole) finish(t testing.TB) {
	t.Helper()
	if err := w.pool.Close(context.Background()); err != nil {
		t.Errorf("Close: %v", err)
	}
	synctest.Wait()
	if c := w.driver.Count(); !c.Idle() {
		t.Errorf("left behind: %+v", c)
	}
}

// code is a function whose packages differ by generation.
func code(generation uint64) lambda.Function {
	fn := function(f, generation)
	fn.Latest.Timeout, fn.Latest.TmpSize = 3, 512
	fn.Latest.Code.Digest = fmt.Sprint("digest-", generation)
	return fn
}

func (w *whole) put(t testing.TB, generation uint64) {
	t.Helper()
	if err := w.Put(code(generation)); err != nil {
		t.Fatal(err)
	}
}

// reply is the answer to one request.
type reply struct {
	body  []byte
	fault *lambda.FunctionError
	rec   receipt.Receipt
	err   error
	took  time.Duration
}

func (w *whole) call(payload string) reply {
	sink := &lambda.Buffer{Cap: lambda.MaxResponse}
	inv := &lambda.Invocation{RequestID: "r-1", Function: f, Payload: []byte(payload), Arrived: time.Now()}
	rec, err := w.Invoke(context.Background(), inv, sink)
	return reply{sink.Bytes(), sink.FunctionError(), rec, err, time.Since(inv.Arrived)}
}

func TestWholeLineColdAndWarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWhole(t, fake.Script{Faults: []fake.Fault{
			{At: fake.Create, Wait: 10 * ms},
			{At: fake.Bind, Wait: 2 * ms},
			{At: fake.Run, Wait: 3 * ms},
			{At: fake.Init, Wait: 20 * ms},
			{At: fake.Handle, Wait: 5 * ms},
		}}, nil)
		w.put(t, 1)
		cold := w.call(`{"a":1}`)
		want := [9]time.Duration{0, 12 * ms, 3 * ms, 20 * ms, 5 * ms, 0}
		if cold.err != nil || cold.rec.Spent != want || cold.rec.Start != receipt.Cold || cold.took != cold.rec.Wall() {
			t.Errorf("cold: %+v in %v, %v; want phases %v", cold.rec, cold.took, cold.err, want)
		}
		time.Sleep(time.Minute) // it is frozen meanwhile
		if w.driver.Count().Frozen != 1 {
			t.Errorf("counts = %+v, want it frozen", w.driver.Count())
		}
		warm := w.call(`{"a":2}`)
		if warm.err != nil || string(warm.body) != `{"a":2}` || warm.rec.Start != receipt.Warm || warm.took != 5*ms {
			t.Errorf("warm: %s, %+v in %v, %v", warm.body, warm.rec, warm.took, warm.err)
		}
		w.finish(t)
	})
}

func TestWholeLineAfterATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWhole(t, fake.Script{Faults: []fake.Fault{
			{At: fake.Handle, Nth: 1, Wait: time.Minute}, {At: fake.Init, Wait: 4 * ms},
		}}, nil)
		w.put(t, 1)
		first := w.call(`{}`)
		if first.err != nil || first.fault == nil || first.fault.Type != "Sandbox.Timedout" || first.took != first.rec.Wall() {
			t.Errorf("first: %+v, %+v, %v", first.fault, first.rec, first.err)
		}
		second := w.call(`{}`)
		if second.err != nil || second.rec.Start != receipt.Cold || second.rec.Why == "" || second.rec.Spent[receipt.Init] != 4*ms {
			t.Errorf("second: %+v, %v", second.rec, second.err)
		}
		if c := w.driver.Count(); c.Created != 1 || c.Resets == 0 {
			t.Errorf("counts = %+v, want one sandbox, reset", c)
		}
		w.finish(t)
	})
}

func TestWholeLineReplacesADeadSandbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWhole(t, fake.Script{Faults: []fake.Fault{{At: fake.Answered, Nth: 1, KillBox: errors.New("host took it")}}}, nil)
		w.put(t, 1)
		// The box dies while its answer is on the way, which may be too late to be read.
		if a := w.call(`{}`); a.err != nil && !strings.Contains(a.err.Error(), "was lost while it ran") {
			t.Fatal(a.err)
		}
		synctest.Wait()
		second := w.call(`{"n":2}`)
		if second.err != nil || string(second.body) != `{"n":2}` || second.rec.Start != receipt.Cold {
			t.Errorf("%s, %+v, %v", second.body, second.rec, second.err)
		}
		w.finish(t)
	})
}

func TestWholeLineUpdatesUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWhole(t, fake.Script{Faults: []fake.Fault{{At: fake.Create, Wait: 3 * ms}, {At: fake.Handle, Wait: 7 * ms}}}, nil)
		replies := make(chan reply, 50*6)
		for generation := uint64(1); generation <= 50; generation++ {
			w.put(t, generation)
			for range 6 {
				go func() { replies <- w.call(`{}`) }()
			}
			time.Sleep(2 * ms)
		}
		for range cap(replies) {
			if a := <-replies; a.err != nil || a.fault != nil {
				t.Errorf("a request failed during an update: %v, %v", a.err, a.fault)
			}
		}
		w.finish(t)
	})
}

// bubbleTB hides T.Deadline, which a bubble does not allow, from rapid.
type bubbleTB struct{ testing.TB }

// Whatever the driver does, every request gets one answer, in a bounded time, and
// nothing is left.
func TestWholeLineMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubbleTB{t}, func(rt *rapid.T) {
			w := newWhole(t, fake.Script{Faults: rapid.SliceOfN(faults(), 0, 12).Draw(rt, "faults")}, func(s *pool.Settings) {
				s.MemoryBudget, s.KeepAlive, s.FreezeAfter = 384, time.Second, 20*ms
			})
			generation := uint64(1)
			w.put(t, generation)
			asked, replies := 0, make(chan reply, 10_000)
			rt.Repeat(map[string]func(*rapid.T){
				"invoke": func(rt *rapid.T) {
					asked++
					go func() { replies <- w.call(`{"event":1}`) }()
				},
				"update": func(rt *rapid.T) { generation++; w.put(t, generation) },
				"wait":   func(rt *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(0, 200).Draw(rt, "ms")) * ms) },
			})
			w.finish(t)
			if len(replies) != asked {
				rt.Fatalf("%d answers to %d requests", len(replies), asked)
			}
			for range asked {
				checkReply(rt, <-replies)
			}
		})
	})
}

func checkReply(rt *rapid.T, a reply) {
	if a.err == nil && a.fault == nil && !bytes.Equal(a.body, []byte(`{"event":1}`)) {
		rt.Fatalf("answer %q", a.body)
	}
	if a.fault != nil && !json.Valid(a.fault.Payload) {
		rt.Fatalf("fault %q", a.fault.Payload)
	}
	if a.rec.Wall() != a.took {
		rt.Fatalf("phases %v sum to %v, the wall time is %v", a.rec.Spent, a.rec.Wall(), a.took)
	}
}

// faults draws something that goes wrong with a driver or a runtime.
func faults() *rapid.Generator[fake.Fault] {
	return rapid.Custom(func(rt *rapid.T) fake.Fault {
		f := fake.Fault{
			At:   rapid.SampledFrom([]fake.Op{fake.Create, fake.Bind, fake.Run, fake.Open, fake.Freeze, fake.Thaw, fake.Init, fake.Handle, fake.Answered}).Draw(rt, "at"),
			Nth:  rapid.IntRange(1, 6).Draw(rt, "nth"),
			Wait: time.Duration(rapid.IntRange(0, 5000).Draw(rt, "wait")) * ms,
		}
		switch rapid.IntRange(0, 3).Draw(rt, "kind") {
		case 0:
			f.KillBox = errors.New("the box died")
		case 1:
			if f.At < fake.Init {
				f.Err = errors.New("the call failed")
			} else {
				f.Exit = fake.OutOfMemory()
			}
		case 2:
			f.LoseStream = f.At >= fake.Init
		}
		return f
	})
}
