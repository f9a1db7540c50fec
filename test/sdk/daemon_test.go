package sdk

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// daemon is a running `lambent up`.
type daemon struct {
	t      *testing.T
	data   string
	listen string
	admin  string
	log    string // path of its output
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has been waited for
}

// Bounds of what a daemon may take.
const (
	startLimit = 20 * time.Second
	stopLimit  = 30 * time.Second
)

// up starts a daemon on a data folder and waits until it is ready. It is stopped when
// the test ends, unless that was done before.
func up(t *testing.T, data string) *daemon {
	t.Helper()
	d := &daemon{t: t, data: data, listen: freePort(t), admin: freePort(t), ended: make(chan struct{})}
	d.log = filepath.Join(t.TempDir(), "lambent.log")
	out, err := os.Create(d.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close() // the child has its own
	d.cmd = exec.Command(filepath.Join(binaries, "lambent"), "up", "--data", data, "--listen", d.listen, "--admin", d.admin)
	d.cmd.Stdout, d.cmd.Stderr = out, out
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait() // how it ended is the business of the test
		close(d.ended)
	}()
	t.Cleanup(d.finish)
	d.awaitReady()
	return d
}

// freePort names an address of loopback that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (d *daemon) awaitReady() {
	d.t.Helper()
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case <-d.ended:
			d.t.Fatalf("lambent ended by itself:\n%s", d.output())
		default:
		}
		if d.ready() {
			return
		}
	}
	d.t.Fatalf("lambent is not ready after %v:\n%s", startLimit, d.output())
}

func (d *daemon) ready() bool {
	answer, err := http.Get("http://" + d.admin + "/readyz")
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func (d *daemon) output() string {
	out, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// kill is kill -9 of the daemon alone.
func (d *daemon) kill() {
	d.t.Helper()
	d.signal(syscall.SIGKILL)
}

// stop ends the daemon as an operator does.
func (d *daemon) stop() {
	d.t.Helper()
	d.signal(syscall.SIGTERM)
	if state := d.cmd.ProcessState; !state.Success() {
		d.t.Errorf("lambent ended with %v:\n%s", state, d.output())
	}
}

func (d *daemon) signal(s os.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Fatalf("signalling lambent: %v", err)
	}
	select {
	case <-d.ended:
	case <-time.After(stopLimit):
		d.t.Fatalf("lambent did not end within %v of %v:\n%s", stopLimit, s, d.output())
	}
}

// finish ends what a test left running.
func (d *daemon) finish() {
	select {
	case <-d.ended:
	default:
		d.stop()
	}
	if d.t.Failed() {
		d.t.Logf("output of lambent:\n%s", d.output())
	}
}

// client is the SDK's, pointed at the daemon. It does not retry: a test sees what was
// answered first.
func (d *daemon) client() *lambda.Client {
	return lambda.New(lambda.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://" + d.listen),
		Retryer:      aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
		HTTPClient: &http.Client{Timeout: time.Minute},
	})
}

// refusesToStart runs a daemon that must end by itself, and returns what it said.
func refusesToStart(t *testing.T, data string) string {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), startLimit, errors.New("lambent started"))
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(binaries, "lambent"), "up", "--data", data, "--listen", freePort(t), "--admin", freePort(t)).CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Errorf("lambent did not refuse: %v, %v", err, context.Cause(ctx))
	}
	return string(out)
}
