package lambent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// Daemon is a running `lambent up`.
type Daemon struct {
	Listen string // address of the API
	Admin  string // address of health and metrics
	Data   string // its folder

	log   string // path of its output
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has been waited for
}

// Bounds of what a daemon may take.
const (
	startLimit = 20 * time.Second
	stopLimit  = 30 * time.Second
)

// Start runs the lambent of folder binaries on a data folder, its output going to the
// file log, and waits until it is ready. Variables for its environment may follow. On
// an error nothing is left running.
func Start(binaries, data, log string, env ...string) (*Daemon, error) {
	d := &Daemon{Data: data, log: log, ended: make(chan struct{})}
	var err error
	if d.Listen, err = FreePort(); err != nil {
		return nil, err
	}
	if d.Admin, err = FreePort(); err != nil {
		return nil, err
	}
	if err := d.start(binaries, env); err != nil {
		return nil, err
	}
	if err := d.awaitReady(); err != nil {
		return nil, errors.Join(err, d.Signal(syscall.SIGKILL))
	}
	return d, nil
}

func (d *Daemon) start(binaries string, env []string) error {
	cmd := exec.Command(filepath.Join(binaries, "lambent"), "up", "--data", d.Data, "--listen", d.Listen, "--admin", d.Admin)
	cmd.Env = append(os.Environ(), env...)
	out, err := os.Create(d.log)
	if err != nil {
		return err
	}
	defer out.Close() // the child has its own
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting lambent: %w", err)
	}
	d.cmd = cmd
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(d.ended)
	}()
	return nil
}

// Servers listen below the ports that a kernel gives to clients by itself (32768 and up, ip(7)):
// none of the many connections of tests can take a port between its choice and its use.
const (
	lowestPort  = 10000
	highestPort = 32000
)

// FreePort names an address of loopback that nobody listens on.
func FreePort() (string, error) {
	var last error
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowestPort+rand.IntN(highestPort-lowestPort)))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
		last = err
	}
	return "", fmt.Errorf("finding a free port: %w", last)
}

func (d *Daemon) awaitReady() error { return d.await(d.ready) }

// await waits until the process is as far as holds says.
func (d *Daemon) await(holds func() bool) error {
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return nil
		}
		if d.Ended() {
			return fmt.Errorf("lambent ended by itself:\n%s", d.Output())
		}
	}
	return fmt.Errorf("lambent is not ready after %v:\n%s", startLimit, d.Output())
}

func (d *Daemon) ready() bool {
	answer, err := http.Get("http://" + d.Admin + "/readyz")
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// Ended reports whether the process is gone.
func (d *Daemon) Ended() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

// Output is what the daemon has written so far.
func (d *Daemon) Output() string {
	out, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// PID is the number of the daemon's process.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Stop ends the daemon as an operator does; how it ended must be success.
func (d *Daemon) Stop() error {
	if err := d.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if state := d.cmd.ProcessState; !state.Success() {
		return fmt.Errorf("lambent ended with %v:\n%s", state, d.Output())
	}
	return nil
}

// Signal sends a signal to the daemon alone and waits until it has ended.
func (d *Daemon) Signal(s os.Signal) error {
	if d.Ended() {
		return nil
	}
	if err := d.Send(s); err != nil {
		return err
	}
	select {
	case <-d.ended:
		return nil
	case <-time.After(stopLimit):
		return fmt.Errorf("lambent did not end within %v of %v:\n%s", stopLimit, s, d.Output())
	}
}

// Send sends a signal to the daemon and does not wait.
func (d *Daemon) Send(s os.Signal) error {
	if err := d.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signalling lambent: %w", err)
	}
	return nil
}

// Options point a client of the SDK at the daemon. It does not retry: a test sees what
// was answered first.
func (d *Daemon) Options() lambda.Options {
	return lambda.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://" + d.Listen),
		Retryer:      aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
		HTTPClient: &http.Client{Timeout: time.Minute},
	}
}
