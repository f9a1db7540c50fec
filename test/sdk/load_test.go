package sdk

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// loadTime is how long TestFullLoad lasts; SOAK_LOAD sets it. With SOAK_RACE=true the
// programs are built with the race detector (make soak).
const loadTime = 5 * time.Second

// All at once: invocations, events, updates, functions that come and go, timeouts, runtimes
// that die, and servers that replace each other. No request fails that should not, and
// nothing is left: no process, mount, group, event, nor a report of the race detector.
func TestFullLoad(t *testing.T) {
	needs(t)
	t.Setenv("LAMBENT_ALLOW_PROCESS", "true")
	lasts := loadTime
	if d, err := time.ParseDuration(os.Getenv("SOAK_LOAD")); err == nil {
		lasts = d
	}
	data := t.TempDir()
	check := watchHost(t, data, binaries)
	d := up(t, data)
	client := d.client()
	for name, handler := range map[string]string{"echo": "app.echo", "late": "app.state", "dies": "app.leave"} {
		in := creation(t, name, "app.py", handler)
		in.Timeout = aws.Int32(60) // the machine is busy
		if name == "late" {
			in.Timeout = aws.Int32(1)
		}
		deploy(t, client, in)
	}
	deployNumber(t, client, "number")
	file := marking(t, client, "mark", "mark.handler")

	l := newTraffic(t)
	l.repeat(d, 4, "invoking", func(c *lambda.Client) error { return ask(c, "echo", `{"a": 1}`, `{"a": 1}`) })
	l.repeat(d, 1, "timing out", func(c *lambda.Client) error { return faults(c, "late", `{"sleep":5}`, "Sandbox.Timedout") })
	l.repeat(d, 1, "dying", func(c *lambda.Client) error { return faults(c, "dies", `{"code":3}`, "Runtime.ExitError") })
	l.sendEvents(d, file, 20*time.Millisecond)
	last := 0
	l.repeat(d, 1, "updating", func(c *lambda.Client) error {
		last++
		return updateTo(t, c, "number", last)
	})
	l.repeat(d, 1, "creating and deleting", func(c *lambda.Client) error { return comeAndGo(t, c) })

	var old []*daemon
	for range 3 {
		time.Sleep(lasts / 4)
		next := upgrade(t, d)
		old, d = append(old, d), next
	}
	time.Sleep(lasts / 4)
	l.end()
	for _, o := range old {
		o.awaitEnd(time.Minute)
	}
	awaitUntil(t, "the queue to be empty", time.Minute, d.drained)
	l.allRan(file)
	t.Logf("%d requests, %d failed; %d events, %d updates", l.ok.Load()+l.failed.Load(), l.failed.Load(), len(l.accepted), last)
	d.stop()
	for _, o := range append(old, d) {
		wantNoRace(t, o)
	}
	check()
}

func wantNoRace(t *testing.T, d *daemon) {
	t.Helper()
	if strings.Contains(d.Output(), "WARNING: DATA RACE") {
		t.Errorf("races:\n%s", d.Output())
	}
}

// faults invokes a function that fails with an error of this type.
func faults(c *lambda.Client, name, event, kind string) error {
	out, err := c.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String(name), Payload: []byte(event)})
	if err != nil {
		return err
	}
	if out.FunctionError == nil || !strings.Contains(string(out.Payload), kind) {
		return fmt.Errorf("answered %s, want %s", out.Payload, kind)
	}
	return nil
}

// comeAndGo is the life of a function that is invoked once.
func comeAndGo(t *testing.T, c *lambda.Client) error {
	ctx, name := context.Background(), aws.String(fmt.Sprintf("guest-%d", time.Now().UnixNano()))
	in := creation(t, *name, "app.py", "app.echo")
	if _, err := c.CreateFunction(ctx, in); err != nil {
		return err
	}
	waiter := lambda.NewFunctionActiveV2Waiter(c, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 50*time.Millisecond
	})
	if err := waiter.Wait(ctx, &lambda.GetFunctionInput{FunctionName: name}, 20*time.Second); err != nil {
		return err
	}
	if err := ask(c, *name, `"hello"`, `"hello"`); err != nil {
		return err
	}
	_, err := c.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: name})
	return err
}
