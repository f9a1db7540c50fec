package instance_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/fake"
)

// bubble runs f with a rig on a fake clock.
func bubble(t *testing.T, s fake.Script, f func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newRig(t, s)) })
}

// counting answers with how often this process was called and what /tmp holds.
func counting(_ context.Context, c *fake.Call) fake.Answer {
	n, _ := strconv.Atoi(c.ReadTmp("n"))
	c.WriteTmp("n", strconv.Itoa(n+1))
	body, _ := json.Marshal(map[string]int{"module": c.Count, "tmp": n + 1})
	return fake.Answer{Body: body}
}

func TestInvoke(t *testing.T) {
	s := fake.Script{CPU: 7 * time.Millisecond, Memory: 37<<20 - 1, Faults: []fake.Fault{
		{At: fake.Create, Wait: 2 * time.Millisecond},
		{At: fake.Bind, Wait: 3 * time.Millisecond},
		{At: fake.Init, Wait: 120 * time.Millisecond},
		{At: fake.Handle, Wait: 1960 * time.Microsecond},
	}}
	s.Runtime.Handle = func(_ context.Context, c *fake.Call) fake.Answer {
		c.Print("hello from " + c.Getenv("AWS_LAMBDA_FUNCTION_NAME"))
		return fake.Answer{Body: c.Payload}
	}
	bubble(t, s, func(t *testing.T, r *rig) {
		i := r.start()
		want := receipt.Launch{Kind: receipt.Cold, Began: i.Launch().Began, Sandbox: 5 * time.Millisecond, Init: 120 * time.Millisecond}
		if diff := cmp.Diff(want, i.Launch()); diff != "" {
			t.Errorf("launch: %s", diff)
		}
		cold := r.expect(i, `{"a":1}`, `{"a":1}`)
		wantLog(t, r.log.String(),
			"INIT_START Runtime Version: python:3.12\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:",
			"\nSTART RequestId: "+requestID+" Version: $LATEST\nhello from fn\nEND RequestId: "+requestID+"\n",
			"REPORT RequestId: "+requestID+"\tDuration: 1.96 ms\tBilled Duration: 122 ms\tMemory Size: 128 MB\tMax Memory Used: 37 MB\tInit Duration: 120.00 ms\t\n")
		if !strings.HasPrefix(string(cold.TailLog), "START RequestId: ") {
			t.Errorf("tail: %q", cold.TailLog)
		}
		warm := r.expect(i, `{"a":2}`, `{"a":2}`)
		if strings.Contains(string(warm.TailLog), "Init Duration") || strings.Contains(string(warm.TailLog), "INIT_START") {
			t.Errorf("a warm tail has the init: %q", warm.TailLog)
		}
		if warm.Spent[receipt.Handler] != 1960*time.Microsecond || warm.Wall() != 1960*time.Microsecond {
			t.Errorf("spent %v", warm.Spent)
		}
		if warm.Used.CPU != receipt.Of(7*time.Millisecond) || warm.MemoryPeak != 37<<20-1 || warm.Tier != lambda.TierLight || warm.Version != "$LATEST" {
			t.Errorf("receipt %+v", warm)
		}
		r.finish(i)
	})
}

func TestTimeoutKeepsTmpAndLosesModule(t *testing.T) {
	s := fake.Script{Faults: []fake.Fault{{At: fake.Handle, Nth: 3, Wait: time.Hour}, {At: fake.Init, Nth: 2, Wait: 40 * time.Millisecond}}}
	s.Runtime.Handle = counting
	bubble(t, s, func(t *testing.T, r *rig) {
		r.target.Version.Timeout = 1
		i := r.start()
		r.expect(i, `{}`, `{"module":1,"tmp":1}`)
		r.expect(i, `{}`, `{"module":2,"tmp":2}`)
		late := r.expect(i, `{}`, fails("Sandbox.Timedout", "Task timed out after 1.00 seconds"))
		if late.Wall() != time.Second || late.Spent[receipt.Handler] != time.Second {
			t.Errorf("spent %v", late.Spent)
		}
		wantLog(t, string(late.TailLog), "REPORT RequestId: "+requestID+"\tDuration: 1000.00 ms\t", "\tStatus: timeout\n")
		again := r.expect(i, `{}`, `{"module":1,"tmp":3}`)
		if again.Spent[receipt.Init] != 40*time.Millisecond {
			t.Errorf("the suppressed init is not on the receipt: %v", again.Spent)
		}
		if strings.Contains(string(again.TailLog), "Init Duration") {
			t.Errorf("a suppressed init has an Init Duration: %s", again.TailLog)
		}
		wantLog(t, string(again.TailLog), "Duration: 40.00 ms\tBilled Duration: 40 ms")
		if c := r.driver.Count(); c.Runs != 2 || c.Resets == 0 || c.Created != 1 {
			t.Errorf("count %+v", c)
		}
		r.finish(i)
	})
}

func TestCrashDuringInvoke(t *testing.T) {
	tests := map[string]struct {
		fault fake.Fault
		want  string
		kind  string
	}{
		"exit 0":        {fake.Fault{Exit: &sandbox.Exit{}}, fails("Runtime.ExitError", "Runtime exited without providing a reason"), "Runtime.ExitError"},
		"exit code":     {fake.Fault{Exit: &sandbox.Exit{Code: 127}}, fails("Runtime.ExitError", "Runtime exited with error: exit status 127"), "Runtime.ExitError"},
		"signal":        {fake.Fault{Exit: &sandbox.Exit{Signal: syscall.SIGKILL}}, fails("Runtime.ExitError", "Runtime exited with error: signal: killed"), "Runtime.ExitError"},
		"out of memory": {fake.Fault{Exit: fake.OutOfMemory()}, fails("Runtime.OutOfMemory", "Runtime ran out of memory: the function has 128 MB (signal: killed)"), "Runtime.OutOfMemory"},
		"lost stream":   {fake.Fault{LoseStream: true}, fails("Runtime.ExitError", "Runtime exited without providing a reason"), "Runtime.ExitError"},
	}
	for name, test := range tests {
		test.fault.At, test.fault.Nth = fake.Handle, 1
		s := fake.Script{Faults: []fake.Fault{test.fault}, Runtime: fake.Runtime{Handle: counting}}
		t.Run(name, func(t *testing.T) {
			bubble(t, s, func(t *testing.T, r *rig) {
				i := r.start()
				rec := r.expect(i, `{}`, test.want)
				wantLog(t, string(rec.TailLog), "END RequestId", "\tStatus: error\tError Type: "+test.kind+"\n")
				if !i.Reusable() {
					t.Error("a crash made the instance unusable")
				}
				r.expect(i, `{}`, `{"module":1,"tmp":1}`)
				r.finish(i)
			})
		})
	}
}

func TestInitFails(t *testing.T) {
	importError := `{"errorType":"Runtime.ImportModuleError","errorMessage":"Unable to import module 'app'"}`
	tests := map[string]struct {
		fault fake.Fault
		init  json.RawMessage
		want  string
		line  string
	}{
		"reported": {init: json.RawMessage(importError), want: importError, line: "Status: error\tError Type: Runtime.ImportModuleError\n"},
		"exit":     {fault: fake.Fault{Exit: &sandbox.Exit{Code: 3}}, want: fails("Runtime.ExitError", "Runtime exited with error: exit status 3"), line: "Status: error\tError Type: Runtime.ExitError\n"},
		"oom":      {fault: fake.Fault{Exit: fake.OutOfMemory()}, want: fails("Runtime.OutOfMemory", "Runtime ran out of memory: the function has 128 MB (signal: killed)"), line: "Status: error\tError Type: Runtime.OutOfMemory\n"},
	}
	for name, test := range tests {
		test.fault.At, test.fault.Nth = fake.Init, 1
		s := fake.Script{Faults: []fake.Fault{test.fault}}
		s.Runtime.Init = func(_ context.Context, p *fake.Proc) json.RawMessage {
			if p.Run == 1 {
				return test.init
			}
			return nil
		}
		t.Run(name, func(t *testing.T) {
			bubble(t, s, func(t *testing.T, r *rig) {
				i := r.start()
				wantLog(t, r.log.String(), "INIT_REPORT Init Duration: ", " ms\tPhase: init\t"+test.line)
				r.expect(i, `{}`, test.want)
				r.expect(i, `{"second":1}`, `{"second":1}`)
				r.finish(i)
			})
		})
	}
}

func TestInitTimeoutIsRetriedInsideTheInvocation(t *testing.T) {
	s := fake.Script{Faults: []fake.Fault{{At: fake.Init, Wait: 12 * time.Second}}}
	bubble(t, s, func(t *testing.T, r *rig) {
		r.target.Version.Timeout = 30
		began := time.Now()
		i := r.start()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("start took %v", took)
		}
		wantLog(t, r.log.String(), "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout\n")
		rec := r.expect(i, `{}`, `{}`)
		if rec.Spent[receipt.Init] != 12*time.Second {
			t.Errorf("spent %v", rec.Spent)
		}
		r.finish(i)
	})
}

func TestInitInsideTheInvocationIsBoundedByTheTimeout(t *testing.T) {
	s := fake.Script{Faults: []fake.Fault{{At: fake.Init, Wait: time.Hour}}}
	bubble(t, s, func(t *testing.T, r *rig) {
		i := r.start()
		rec := r.expect(i, `{}`, fails("Sandbox.Timedout", "Task timed out after 3.00 seconds"))
		if rec.Wall() != 3*time.Second {
			t.Errorf("wall %v", rec.Wall())
		}
		wantLog(t, string(rec.TailLog), "INIT_REPORT Init Duration: 3000.00 ms\tPhase: invoke\tStatus: timeout\n")
		r.finish(i)
	})
}

func TestExitWhileIdle(t *testing.T) {
	s := fake.Script{Faults: []fake.Fault{{At: fake.Answered, Nth: 1, Exit: &sandbox.Exit{Code: 1}}}, Runtime: fake.Runtime{Handle: counting}}
	bubble(t, s, func(t *testing.T, r *rig) {
		i := r.start()
		r.expect(i, `{}`, `{"module":1,"tmp":1}`)
		synctest.Wait()
		r.expect(i, `{}`, `{"module":1,"tmp":2}`)
		r.finish(i)
	})
}

func TestBoxDiesWhileIdle(t *testing.T) {
	bubble(t, fake.Script{}, func(t *testing.T, r *rig) {
		i := r.start()
		r.driver.Boxes()[0].Kill(errBoom)
		<-i.Done()
		if err := i.Err(); !errors.Is(err, instance.ErrGone) || !errors.Is(err, errBoom) {
			t.Errorf("err %v", err)
		}
		if i.Reusable() {
			t.Error("a dead instance is reusable")
		}
		sink := newSink()
		if _, err := i.Invoke(context.Background(), invocation(`{}`), sink); !errors.Is(err, instance.ErrGone) {
			t.Errorf("invoke: %v", err)
		}
		if sink.finished != 0 {
			t.Error("the sink was finished")
		}
		r.finish(i)
	})
}

// A function that may have seen the event must not run it twice: the error does not
// invite the caller to try another instance.
func TestBoxDiesDuringInvoke(t *testing.T) {
	bubble(t, fake.Script{Faults: []fake.Fault{{At: fake.Handle, KillBox: errBoom}}}, func(t *testing.T, r *rig) {
		i := r.start()
		sink := newSink()
		_, err := i.Invoke(context.Background(), invocation(`{}`), sink)
		if err == nil || errors.Is(err, instance.ErrGone) || sink.finished != 0 {
			t.Errorf("err %v, finished %d", err, sink.finished)
		}
		r.finish(i)
	})
}

func TestCloseDuringInvoke(t *testing.T) {
	bubble(t, fake.Script{Faults: []fake.Fault{{At: fake.Handle, Wait: time.Second}}}, func(t *testing.T, r *rig) {
		i := r.start()
		failed := make(chan error)
		go func() {
			_, err := i.Invoke(context.Background(), invocation(`{}`), newSink())
			failed <- err
		}()
		synctest.Wait()
		if err := i.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-failed; err == nil || errors.Is(err, instance.ErrGone) {
			t.Errorf("invoke: %v", err)
		}
		r.finish(i)
	})
}

func TestStartFails(t *testing.T) {
	for name, op := range map[string]fake.Op{"create": fake.Create, "bind": fake.Bind, "run": fake.Run, "open": fake.Open, "listen": fake.Listen} {
		t.Run(name, func(t *testing.T) {
			bubble(t, fake.Script{Faults: []fake.Fault{{At: op, Err: errBoom}}}, func(t *testing.T, r *rig) {
				r.deps.CallHome = func(*lambda.Target) http.Handler { return http.NotFoundHandler() }
				_, err := instance.NewLauncher(r.deps).Start(t.Context(), r.target)
				if !errors.Is(err, errBoom) {
					t.Errorf("start: %v", err)
				}
				r.nothingLeft()
			})
		})
	}
}

func TestStartIsCancelled(t *testing.T) {
	bubble(t, fake.Script{Faults: []fake.Fault{{At: fake.Init, Wait: time.Hour}}}, func(t *testing.T, r *rig) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errBoom)
		defer cancel()
		if _, err := instance.NewLauncher(r.deps).Start(ctx, r.target); !errors.Is(err, errBoom) {
			t.Errorf("start: %v", err)
		}
		r.nothingLeft()
	})
}

// A box that dies while it starts is the platform's failure, not the function's.
func TestBoxDiesDuringInit(t *testing.T) {
	bubble(t, fake.Script{Faults: []fake.Fault{{At: fake.Init, KillBox: errBoom}}}, func(t *testing.T, r *rig) {
		if _, err := instance.NewLauncher(r.deps).Start(t.Context(), r.target); !errors.Is(err, errBoom) {
			t.Errorf("start: %v", err)
		}
		r.nothingLeft()
	})
}

func TestCallerLeaves(t *testing.T) {
	s := fake.Script{Runtime: fake.Runtime{Handle: counting}, Faults: []fake.Fault{{At: fake.Handle, Nth: 1, Wait: 2 * time.Second}}}
	bubble(t, s, func(t *testing.T, r *rig) {
		i := r.start()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errBoom)
		defer cancel()
		left := newSink()
		if _, err := i.Invoke(ctx, invocation(`{}`), left); !errors.Is(err, errBoom) {
			t.Fatalf("invoke: %v", err)
		}
		if _, err := i.Invoke(t.Context(), invocation(`{}`), newSink()); !errors.Is(err, instance.ErrBusy) {
			t.Errorf("a busy instance answered %v", err)
		}
		if err := i.Freeze(t.Context()); !errors.Is(err, instance.ErrBusy) {
			t.Errorf("a busy instance was frozen: %v", err)
		}
		<-i.Idle()
		if left.finished != 0 || len(left.Bytes()) != 0 {
			t.Error("the sink of a caller that left was used")
		}
		wantLog(t, r.log.String(), "REPORT RequestId: "+requestID+"\tDuration: 2000.00 ms")
		r.expect(i, `{}`, `{"module":2,"tmp":2}`)
		r.finish(i)
	})
}

func TestResponseTooLarge(t *testing.T) {
	s := fake.Script{Runtime: fake.Runtime{Handle: func(_ context.Context, c *fake.Call) fake.Answer {
		size, _ := strconv.Atoi(string(c.Payload))
		return fake.Answer{Body: make([]byte, size)}
	}}}
	bubble(t, s, func(t *testing.T, r *rig) {
		i := r.start()
		if got, _ := r.invoke(i, strconv.Itoa(lambda.MaxResponse)); len(got) != lambda.MaxResponse {
			t.Errorf("the largest response has %d bytes", len(got))
		}
		want := `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`
		r.expect(i, strconv.Itoa(lambda.MaxResponse+1), want)
		r.expect(i, "2", "\x00\x00")
		if c := r.driver.Count(); c.Runs != 1 {
			t.Errorf("a large response cost the runtime its life: %+v", c)
		}
		r.finish(i)
	})
}

// A slow reader slows the function; the timeout holds all the same.
func TestBackPressure(t *testing.T) {
	s := fake.Script{Runtime: fake.Runtime{Handle: func(context.Context, *fake.Call) fake.Answer {
		return fake.Answer{Chunks: [][]byte{[]byte("one "), []byte("two ")}, Body: []byte("three")}
	}}}
	bubble(t, s, func(t *testing.T, r *rig) {
		i := r.start()
		sink := newSink()
		sink.block, sink.entered = make(chan struct{}), make(chan struct{})
		go func() {
			<-sink.entered
			time.Sleep(time.Second)
			close(sink.block)
		}()
		rec, err := i.Invoke(t.Context(), invocation(`{}`), sink)
		if err != nil || string(sink.Bytes()) != "one two three" {
			t.Errorf("%q, %v", sink.Bytes(), err)
		}
		if rec.Spent[receipt.Response] != time.Second {
			t.Errorf("spent %v", rec.Spent)
		}
		r.finish(i)
	})
}

func TestFreeze(t *testing.T) {
	bubble(t, fake.Script{}, func(t *testing.T, r *rig) {
		i := r.start()
		for range 2 {
			if err := i.Freeze(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if c := r.driver.Count(); c.Frozen != 1 {
			t.Errorf("count %+v", c)
		}
		r.expect(i, `{}`, `{}`) // thaws by itself: the fake kills a frozen box that gets an event
		if err := errors.Join(i.Freeze(t.Context()), i.Thaw(t.Context()), i.Thaw(t.Context())); err != nil {
			t.Error(err)
		}
		if c := r.driver.Count(); c.Frozen != 0 {
			t.Errorf("count %+v", c)
		}
		r.finish(i)
	})
}

func TestFreezeWithoutFreezer(t *testing.T) {
	bubble(t, fake.Script{NoFreeze: true}, func(t *testing.T, r *rig) {
		i := r.start()
		if err := errors.Join(i.Freeze(t.Context()), i.Thaw(t.Context())); err != nil {
			t.Error(err)
		}
		r.finish(i)
	})
}

func TestResetFails(t *testing.T) {
	s := fake.Script{Faults: []fake.Fault{{At: fake.Handle, Exit: &sandbox.Exit{}}, {At: fake.Reset, Err: errBoom}}}
	bubble(t, s, func(t *testing.T, r *rig) {
		i := r.start()
		r.expect(i, `{}`, fails("Runtime.ExitError", "Runtime exited without providing a reason"))
		<-i.Done()
		if !errors.Is(i.Err(), errBoom) || i.Reusable() {
			t.Errorf("err %v", i.Err())
		}
		r.finish(i)
	})
}

func TestEnvironment(t *testing.T) {
	var got *fake.Proc
	s := fake.Script{Runtime: fake.Runtime{Init: func(_ context.Context, p *fake.Proc) json.RawMessage { got = p; return nil }}}
	bubble(t, s, func(t *testing.T, r *rig) {
		r.target.Version.Environment = map[string]string{"PATH": "/opt/mine", "_HANDLER": "evil", "LAMBENT_STREAM": "fd:9", "COLOUR": "blue"}
		r.target.Version.Logging = lambda.Logging{Format: "JSON"}
		r.target.Version.MemorySize = 1769
		r.deps.CallHome = func(*lambda.Target) http.Handler { return http.NotFoundHandler() }
		i := r.start()
		for name, want := range map[string]string{
			"PATH": "/var/lang/bin:/bin", "_HANDLER": "app.handler", "LAMBENT_STREAM": "", "COLOUR": "blue",
			"AWS_LAMBDA_FUNCTION_NAME": "fn", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
			"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/fn",
			"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
			"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO", "TZ": ":UTC",
			"AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9700", "AWS_LAMBDA_RUNTIME_API": "",
		} {
			if v := got.Getenv(name); v != want {
				t.Errorf("%s is %q, not %q", name, v, want)
			}
		}
		w := r.driver.Boxes()[0].Workload()
		if w.Memory != 1769<<20 || w.Pids != 1024 || w.CPUWeight != 1600 || w.Class != lambda.ClassLatency || w.Mounts[0].Target != "/var/task" {
			t.Errorf("workload %+v", w)
		}
		r.finish(i)
	})
}

func TestJSONLog(t *testing.T) {
	for level, wants := range map[string][]string{
		"INFO":  {`"type":"platform.initStart"`, `"isolation":"`, `"type":"platform.start","record":{"functionArn":"arn:aws:lambda:us-east-1:000000000000:function:fn","requestId":"` + requestID, `"type":"platform.report"`, `"billedDurationMs":0`, `"status":"success"`},
		"WARN":  nil,
		"DEBUG": {`"type":"platform.runtimeDone"`, `"type":"platform.report"`},
	} {
		t.Run(level, func(t *testing.T) {
			bubble(t, fake.Script{}, func(t *testing.T, r *rig) {
				r.target.Version.Logging = lambda.Logging{Format: "JSON", SystemLevel: level}
				i := r.start()
				r.expect(i, `{}`, `{}`)
				wantLog(t, r.log.String(), wants...)
				if level == "WARN" && r.log.String() != "" {
					t.Errorf("log %s", r.log.String())
				}
				for line := range strings.Lines(r.log.String()) {
					if !json.Valid([]byte(line)) {
						t.Errorf("no JSON: %s", line)
					}
				}
				r.finish(i)
			})
		})
	}
}

func TestTailIsTheLast4KiB(t *testing.T) {
	s := fake.Script{Runtime: fake.Runtime{Handle: func(_ context.Context, c *fake.Call) fake.Answer {
		for range 1000 {
			c.Print(strings.Repeat("x", 63) + "\n")
		}
		return fake.Answer{}
	}}}
	bubble(t, s, func(t *testing.T, r *rig) {
		i := r.start()
		_, rec := r.invoke(i, `{}`)
		if len(rec.TailLog) != lambda.MaxTailLog || !strings.HasSuffix(r.log.String(), string(rec.TailLog)) {
			t.Errorf("tail of %d bytes: %q", len(rec.TailLog), rec.TailLog)
		}
		r.finish(i)
	})
}

// provided is the launch of a function that brings its own runtime.
var provided = runtimes.Launch{Protocol: runtimes.HTTP, Commands: []string{"/var/runtime/bootstrap", "/var/task/bootstrap", "/opt/bootstrap"}}

func TestEntrypoint(t *testing.T) {
	tests := map[string]struct {
		mode os.FileMode
		want string
	}{
		"missing":        {0, fails("Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): [/var/runtime/bootstrap /var/task/bootstrap /opt/bootstrap]")},
		"not executable": {0o644, fails("Runtime.InvalidEntrypoint", "fork/exec /var/task/bootstrap: permission denied")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, fake.Script{}, func(t *testing.T, r *rig) {
				r.deps.Runtimes = catalogue{provided}
				r.bootstrap(test.mode)
				i := r.start()
				r.expect(i, `{}`, test.want)
				r.expect(i, `{}`, test.want)
				r.finish(i)
			})
		})
	}
}

// bootstrap puts a bootstrap into the code's folder; mode 0 = none.
func (r *rig) bootstrap(mode os.FileMode) {
	r.t.Helper()
	folder, err := r.deps.Code(r.t.Context(), "")
	if err != nil {
		r.t.Fatal(err)
	}
	if mode == 0 {
		return
	}
	if err := os.WriteFile(filepath.Join(folder, "bootstrap"), []byte("#!/bin/sh\n"), mode); err != nil {
		r.t.Fatal(err)
	}
}
