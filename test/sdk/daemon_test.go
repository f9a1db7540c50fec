package sdk

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"lambent.dev/lambent/test/sdk/lambent"
)

// daemon is a running `lambent up` of one test.
type daemon struct {
	*lambent.Daemon
	t        *testing.T
	programs string // the folder that it runs from
}

// up starts a daemon on a data folder and waits until it is ready. It is stopped when
// the test ends, unless that was done before.
func up(t *testing.T, data string) *daemon {
	t.Helper()
	return upFrom(t, binaries, data)
}

// upWith is up with variables in the daemon's environment.
func upWith(t *testing.T, data string, env ...string) *daemon {
	t.Helper()
	return upFrom(t, binaries, data, env...)
}

// upFrom runs the programs of a folder, with variables in the daemon's environment.
func upFrom(t *testing.T, programs, data string, env ...string) *daemon {
	t.Helper()
	running, err := lambent.Start(programs, data, filepath.Join(t.TempDir(), "lambent.log"), env...)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{Daemon: running, t: t, programs: programs}
	t.Cleanup(d.finish)
	return d
}

// kill is kill -9 of the daemon alone.
func (d *daemon) kill() {
	d.t.Helper()
	if err := d.Signal(syscall.SIGKILL); err != nil {
		d.t.Fatal(err)
	}
}

// stop ends the daemon as an operator does.
func (d *daemon) stop() {
	d.t.Helper()
	if err := d.Stop(); err != nil {
		d.t.Error(err)
	}
}

// finish ends what a test left running.
func (d *daemon) finish() {
	if !d.Ended() {
		d.stop()
	}
	if d.t.Failed() {
		d.t.Logf("output of lambent:\n%s", d.Output())
	}
}

// client is the SDK's, pointed at the daemon.
func (d *daemon) client() *lambda.Client { return lambda.New(d.Options()) }
