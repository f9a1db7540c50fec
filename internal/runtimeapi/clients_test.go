package runtimeapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimeapi"
)

// client is a program on one of AWS's runtime clients.
type client struct {
	path string
	args []string
	env  []string
}

// lacking skips a test for what could not be fetched; in CI that is a failure.
func lacking(t *testing.T, what string, out []byte, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s: %v\n%s", what, err, out)
	}
	t.Skipf("%s (no package registry?): %v\n%s", what, err, out)
}

// goClient builds the program in testdata, whose own module pins aws-lambda-go.
func goClient(t *testing.T) client {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".")
	build.Dir = filepath.Join("testdata", "goclient")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	if out, err := build.CombinedOutput(); err != nil {
		lacking(t, "building with aws-lambda-go", out, err)
	}
	return client{path: bin}
}

// ricVersion pins AWS's client for Python.
const ricVersion = "awslambdaric==4.2.2"

// pythonClient installs awslambdaric into a folder of the test's.
func pythonClient(t *testing.T) client {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		lacking(t, "python3 is not on this host", nil, err)
	}
	lib := t.TempDir()
	install := exec.CommandContext(t.Context(), python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore", "--target", lib, ricVersion)
	if out, err := install.CombinedOutput(); err != nil {
		lacking(t, "installing "+ricVersion, out, err)
	}
	app, err := filepath.Abs(filepath.Join("testdata", "pyclient"))
	if err != nil {
		t.Fatal(err)
	}
	return client{
		path: python, args: []string{"-m", "awslambdaric", "app.handler"},
		env: []string{"PYTHONPATH=" + lib + ":" + app, "PYTHONDONTWRITEBYTECODE=1", "LAMBDA_TASK_ROOT=" + app},
	}
}

// conversation is a client that runs against the handler on loopback.
type conversation struct {
	session *runtimeapi.Session
	process *exec.Cmd
	ended   chan struct{}
}

func converse(t *testing.T, c client) *conversation {
	t.Helper()
	s := runtimeapi.NewSession()
	server := httptest.NewServer(runtimeapi.Handler(func() *runtimeapi.Session { return s }))
	cmd := exec.CommandContext(t.Context(), c.path, c.args...)
	cmd.Env = append(append(os.Environ(), c.env...), "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=fn", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "_HANDLER=app.handler")
	cmd.Stderr = t.Output()
	cmd.Stdout = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	v := &conversation{session: s, process: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the state is read from cmd
		s.Close(errors.New("the client ended"))
		close(v.ended)
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-v.ended; server.Close() })
	select {
	case <-s.Initialised():
	case <-s.Done():
		t.Fatalf("the client ended: %v", cmd.ProcessState)
	case <-time.After(30 * time.Second):
		t.Fatal("the client did not ask for work")
	}
	return v
}

func (v *conversation) invoke(t *testing.T, payload string) (*lambda.Buffer, runtimeapi.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Second, errors.New("no answer"))
	defer cancel()
	sink := &lambda.Buffer{Cap: lambda.MaxResponse}
	o, err := v.session.Invoke(ctx, runtimeapi.Event{
		ID: "8f5e2c6e-0000-4000-8000-00000000000a", Deadline: time.Now().Add(20 * time.Second), TraceID: "Root=1-2-3;Sampled=0",
		ARN: "arn:aws:lambda:us-east-1:000000000000:function:fn", ClientContext: []byte(`{"custom":{"k":"v"}}`), Payload: []byte(payload),
	}, sink)
	return sink, o, err
}

// TestRealClients holds the HTTP codec to AWS's own clients, unchanged.
func TestRealClients(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T) client{"aws-lambda-go": goClient, "awslambdaric": pythonClient} {
		t.Run(name, func(t *testing.T) {
			c := prepare(t)
			t.Run("answers", func(t *testing.T) { testAnswers(t, converse(t, c)) })
			t.Run("fails", func(t *testing.T) { testFails(t, converse(t, c)) })
			t.Run("too large", func(t *testing.T) { testTooLarge(t, converse(t, c)) })
			t.Run("exits", func(t *testing.T) { testExits(t, converse(t, c)) })
		})
	}
	t.Run("aws-lambda-go streams", func(t *testing.T) {
		v := converse(t, goClient(t))
		sink, o, err := v.invoke(t, `{"do":"stream"}`)
		if err != nil || o.Error != nil || string(sink.Bytes()) != "one,two" {
			t.Errorf("%q %v %v", sink.Bytes(), o.Error, err)
		}
	})
}

func testAnswers(t *testing.T, v *conversation) {
	for range 3 {
		sink, o, err := v.invoke(t, `{"n":1}`)
		if err != nil || o.Error != nil {
			t.Fatalf("%v %v", err, o.Error)
		}
		var got struct {
			Event    map[string]int
			ID, ARN  string
			Deadline bool
			Client   map[string]string
			Trace    string
		}
		if err := json.Unmarshal(sink.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.Event["n"] != 1 || got.ID != "8f5e2c6e-0000-4000-8000-00000000000a" || !got.Deadline || got.Client["k"] != "v" ||
			got.Trace != "Root=1-2-3;Sampled=0" || got.ARN != "arn:aws:lambda:us-east-1:000000000000:function:fn" {
			t.Errorf("%s", sink.Bytes())
		}
	}
}

func testFails(t *testing.T, v *conversation) {
	_, o, err := v.invoke(t, `{"do":"fail"}`)
	if err != nil || o.Error == nil || !strings.Contains(string(o.Error.Payload), `"the basket is empty"`) {
		t.Fatalf("%v %+v", err, o.Error)
	}
	if _, o, err := v.invoke(t, `{}`); err != nil || o.Error != nil {
		t.Errorf("after an error: %v %v", err, o.Error)
	}
}

// What the client does after a 413 is its own affair; the caller has its answer.
func testTooLarge(t *testing.T, v *conversation) {
	_, o, err := v.invoke(t, `{"do":"big"}`)
	if err != nil || o.Error == nil || o.Error.Type != runtimeapi.TypeResponseTooLarge {
		t.Errorf("%v %+v", err, o.Error)
	}
}

func testExits(t *testing.T, v *conversation) {
	_, o, err := v.invoke(t, `{"do":"exit"}`)
	if !errors.Is(err, runtimeapi.ErrClosed) || o.Delivered.IsZero() {
		t.Errorf("%v %+v", err, o)
	}
	<-v.ended
	if code := v.process.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit code %d", code)
	}
}
