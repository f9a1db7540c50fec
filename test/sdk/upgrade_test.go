package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"lambent.dev/lambent/test/sdk/lambent"
)

// upgrades is how often TestUpgradeUnderLoad upgrades; SOAK_UPGRADES sets it.
const upgrades = 8

// upgrade starts a server over a running one and waits until it has taken over.
func upgrade(t *testing.T, old *daemon, env ...string) *daemon {
	t.Helper()
	running, err := lambent.Upgrade(old.programs, old.Daemon, filepath.Join(t.TempDir(), "lambent.log"), env...)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{Daemon: running, t: t, programs: old.programs}
	t.Cleanup(d.finish)
	return d
}

// awaitEnd waits until a server that was replaced has finished what it had.
func (d *daemon) awaitEnd(limit time.Duration) {
	d.t.Helper()
	awaitUntil(d.t, "the old server to end", limit, d.Ended)
	if err := d.Stop(); err != nil { // it has ended: how?
		d.t.Error(err)
	}
}

// traffic is what clients do to a server all the time. They keep their connections, and try
// everything once.
type traffic struct {
	t      *testing.T
	ctx    context.Context
	stop   context.CancelCauseFunc
	all    sync.WaitGroup
	ok     atomic.Int64
	failed atomic.Int64

	mu       sync.Mutex // guards accepted
	accepted []string   // request ids that were answered with 202
}

func newTraffic(t *testing.T) *traffic {
	l := &traffic{t: t}
	l.ctx, l.stop = context.WithCancelCause(t.Context())
	return l
}

// repeat does something again and again, by so many clients of their own.
func (l *traffic) repeat(d *daemon, clients int, what string, once func(client *lambda.Client) error) {
	for range clients {
		l.all.Go(func() {
			client := d.client()
			for l.ctx.Err() == nil {
				if err := once(client); err != nil {
					l.failed.Add(1)
					l.t.Errorf("%s: %v", what, err)
				} else {
					l.ok.Add(1)
				}
			}
		})
	}
}

// sendEvents sends events to the function mark, with a pause before each.
func (l *traffic) sendEvents(d *daemon, file string, pause time.Duration) {
	l.repeat(d, 1, "sending an event", func(c *lambda.Client) error {
		time.Sleep(pause)
		id, err := sendEvent(l.t, c, "mark", fmt.Sprintf(`{"file":%q,"sleep":0.1}`, file))
		l.mu.Lock()
		defer l.mu.Unlock()
		if err == nil {
			l.accepted = append(l.accepted, id)
		}
		return err
	})
}

// allRan fails unless every event that was accepted ran, once.
func (l *traffic) allRan(file string) {
	l.t.Helper()
	runs := marks(l.t, file)
	for _, id := range l.accepted {
		if runs[id] != 1 {
			l.t.Errorf("event %s ran %d times", id, runs[id])
		}
	}
}

var errEnough = errors.New("enough")

func (l *traffic) end() {
	l.stop(errEnough)
	l.all.Wait()
}

// ask invokes a function that answers its event.
func ask(client *lambda.Client, name, event, want string) error {
	out, err := client.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String(name), Payload: []byte(event)})
	if err != nil {
		return err
	}
	if out.FunctionError != nil || string(out.Payload) != want {
		return fmt.Errorf("answered %s %s, want %s", aws.ToString(out.FunctionError), out.Payload, want)
	}
	return nil
}

// Servers replace each other under load, and no client notices: synchronous invocations,
// some of five seconds, events, and changes of functions.
func TestUpgradeUnderLoad(t *testing.T) {
	needs(t)
	t.Setenv("LAMBENT_ALLOW_PROCESS", "true")
	data := t.TempDir()
	check := watchHost(t, data, binaries)
	times := rounds("SOAK_UPGRADES", upgrades)
	d := up(t, data)
	client := d.client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	deploy(t, client, creation(t, "slow", "app.py", "app.state"))
	deployNumber(t, client, "number")
	file := marking(t, client, "mark", "mark.handler")

	l := newTraffic(t)
	l.repeat(d, 4, "invoking", func(c *lambda.Client) error { return ask(c, "echo", `{"a": 1}`, `{"a": 1}`) })
	l.repeat(d, 1, "invoking for five seconds", func(c *lambda.Client) error {
		return ask(c, "slow", `{"sleep":5}`, `{"number": 0, "content": null}`)
	})
	l.sendEvents(d, file, 20*time.Millisecond)
	last := 0
	l.repeat(d, 1, "updating", func(c *lambda.Client) error {
		last++
		return updateTo(t, c, "number", last)
	})
	var old []*daemon
	for range times {
		time.Sleep(500 * time.Millisecond) // warm again
		next := upgrade(t, d)
		old, d = append(old, d), next
	}
	l.end()
	for _, o := range old {
		o.awaitEnd(30 * time.Second)
	}
	awaitUntil(t, "the queue to be empty", time.Minute, d.drained)
	l.allRan(file)
	t.Logf("%d upgrades, %d requests, %d failed; %d events, %d updates", times, l.ok.Load()+l.failed.Load(), l.failed.Load(), len(l.accepted), last)
	d.stop()
	check()
}

// updateTo gives a function new code and finds that it runs as soon as the update is said
// to be successful, whoever answers.
func updateTo(t *testing.T, c *lambda.Client, name string, n int) error {
	in := &lambda.UpdateFunctionCodeInput{FunctionName: aws.String(name), ZipFile: numbered(t, n)}
	if _, err := c.UpdateFunctionCode(context.Background(), in); err != nil {
		return err
	}
	waiter := lambda.NewFunctionUpdatedV2Waiter(c, func(o *lambda.FunctionUpdatedV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 50*time.Millisecond
	})
	if err := waiter.Wait(context.Background(), &lambda.GetFunctionInput{FunctionName: aws.String(name)}, 20*time.Second); err != nil {
		return err
	}
	out, err := c.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String(name), Payload: []byte("{}")})
	if err != nil {
		return err
	}
	if want := fmt.Sprintf(`{"number": %d,`, n); out.FunctionError != nil || len(out.Payload) < len(want) || string(out.Payload[:len(want)]) != want {
		return fmt.Errorf("answered %s, want %s", out.Payload, want)
	}
	return nil
}

// A server that is killed while it warms up, or that cannot start, takes nothing over.
func TestUpgradeThatFails(t *testing.T) {
	t.Parallel()
	needs(t)
	data := t.TempDir()
	d := up(t, data)
	client := d.client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	l := newTraffic(t)
	l.repeat(d, 2, "invoking", func(c *lambda.Client) error { return ask(c, "echo", `1`, `1`) })
	for i := range 10 {
		begun, err := lambent.Begin(binaries, d.Daemon, filepath.Join(t.TempDir(), "lambent.log"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 8 * time.Millisecond)
		if begun.TookOver() {
			t.Fatalf("it has taken over after %d ms: kill it earlier", i*8)
		}
		if err := begun.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	broken, err := lambent.Begin(binaries, d.Daemon, filepath.Join(t.TempDir(), "lambent.log"), "LAMBENT_ISOLATION=process") // and not allowed
	if err != nil {
		t.Fatal(err)
	}
	awaitUntil(t, "the broken server to end", 20*time.Second, broken.Ended)
	if broken.TookOver() {
		t.Error("a server took over with an isolation that is not there")
	}
	l.end()
	if d.Ended() {
		t.Fatal("the old server has ended")
	}
	next := upgrade(t, d)
	answers(t, next.client(), "echo", `2`, `2`)
	d.awaitEnd(20 * time.Second)
}

// The old server is killed while it finishes: what it had accepted is not lost.
func TestKilledWhileFinishing(t *testing.T) {
	t.Parallel()
	needs(t)
	w := watch(t)
	first := w.up(allowProcess)
	client := first.client()
	file := marking(t, client, "mark", "mark.handler")
	var accepted []string
	for range 100 {
		id, err := sendEvent(t, client, "mark", fmt.Sprintf(`{"file":%q,"sleep":1}`, file))
		if err != nil {
			t.Fatal(err)
		}
		accepted = append(accepted, id)
	}
	awaitUntil(t, "events to run", 20*time.Second, func() bool { return len(marks(t, file)) > 2 })
	second := w.upgrade(first, allowProcess)
	if first.Ended() {
		t.Error("the old server did not wait for the events that it ran")
	}
	first.kill()
	awaitUntil(t, "the queue to be empty", 2*time.Minute, second.drained)
	runs, twice := marks(t, file), 0
	for _, id := range accepted {
		if runs[id] == 0 {
			t.Errorf("event %s was accepted and never ran", id)
		}
		if runs[id] > 1 {
			twice++
		}
	}
	if twice == 0 {
		t.Error("no event ran again: the old server was killed while it ran none")
	}
	second.stop()
	w.leftNothing()
}

// A server takes over only on the addresses that are served.
func TestUpgradeElsewhere(t *testing.T) {
	t.Parallel()
	needs(t)
	d := up(t, t.TempDir())
	for _, change := range []func(*lambent.Daemon){
		func(other *lambent.Daemon) { other.Listen = "127.0.0.1:1" },
		func(other *lambent.Daemon) { other.Admin = "127.0.0.1:1" },
	} {
		other := *d.Daemon
		change(&other)
		begun, err := lambent.Begin(binaries, &other, filepath.Join(t.TempDir(), "lambent.log"))
		if err != nil {
			t.Fatal(err)
		}
		awaitUntil(t, "it to refuse", 20*time.Second, begun.Ended)
		if begun.TookOver() || d.Ended() {
			t.Errorf("it took over:\n%s", begun.Output())
		}
		t.Log(begun.Output())
	}
}

// What runs in the old server ends there, and calls the new one: what was changed since is
// what it meets.
func TestCallsOfTheOldReachTheNew(t *testing.T) {
	t.Parallel()
	needs(t)
	w := watch(t)
	first := w.up()
	client := first.client()
	deployNumber(t, client, "number")
	in := creation(t, "caller", "home.py", "home.call")
	in.Timeout = aws.Int32(60) // it goes on until the change is made
	deploy(t, client, in)
	var n number
	answered := make(chan error, 1)
	go func() {
		out, err := client.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String("caller"), Payload: []byte(`{"name":"number","until":7}`)})
		if err == nil {
			err = json.Unmarshal(out.Payload, &n)
		}
		answered <- err
	}()
	first.awaitBusy(1)
	second := w.upgrade(first)
	if err := updateTo(t, second.client(), "number", 7); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil || n.Number != 7 {
		t.Errorf("answered %+v, %v", n, err)
	}
	first.awaitEnd(20 * time.Second)
	second.stop()
	w.leftNothing()
}

// The signal makes a server start its successor, and systemd learns whom to follow.
func TestUpgradeBySignal(t *testing.T) {
	t.Parallel()
	needs(t)
	data := t.TempDir()
	path := filepath.Join(t.TempDir(), "notify")
	notified, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notified.Close()
	d := upWith(t, data, "NOTIFY_SOCKET="+path)
	deploy(t, d.client(), creation(t, "echo", "app.py", "app.echo"))
	if err := d.Send(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	d.awaitEnd(20 * time.Second)
	pid := mainPID(t, notified)
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	answers(t, d.client(), "echo", `1`, `1`)
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	awaitUntil(t, "the new server to end", 20*time.Second, func() bool {
		return syscall.Kill(pid, 0) != nil || !strings.Contains(describeProcess(fmt.Sprintf("/proc/%d", pid)), data)
	})
}

// mainPID reads what systemd was told until it was told of another process.
func mainPID(t *testing.T, notified *net.UnixConn) int {
	t.Helper()
	if err := notified.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	for {
		n, err := notified.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		if _, text, found := strings.Cut(string(buffer[:n]), "MAINPID="); found {
			pid, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
}
