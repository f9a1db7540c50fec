package sdk

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// allowProcess lets a daemon run functions in the tier process.
const allowProcess = "LAMBENT_ALLOW_PROCESS=true"

// marking creates a function that marks its runs in a file. A function cannot reach a file
// of the host but in the tier process, and a mark must outlive the daemon: its log would
// not, line by line.
func marking(t *testing.T, client *lambda.Client, name, handler string) (file string) {
	t.Helper()
	in := creation(t, name, "mark.py", handler)
	in.Tags = map[string]string{"lambent:isolation": "process"}
	deploy(t, client, in)
	return filepath.Join(t.TempDir(), "marks")
}

// sendEvent invokes a function as an event and returns the request id that was answered.
func sendEvent(t *testing.T, client *lambda.Client, name, event string) (string, error) {
	out, err := client.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String(name), InvocationType: types.InvocationTypeEvent, LogType: types.LogTypeTail, Payload: []byte(event),
	})
	if err != nil {
		return "", err
	}
	if out.StatusCode != http.StatusAccepted || len(out.Payload) != 0 || out.ExecutedVersion != nil || out.LogResult != nil || out.FunctionError != nil {
		t.Errorf("answered %d %q %v %v %v", out.StatusCode, out.Payload, out.ExecutedVersion, out.LogResult, out.FunctionError)
	}
	id, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
	return id, nil
}

// marks counts the runs in a file by request id.
func marks(t *testing.T, file string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	n := map[string]int{}
	for line := range strings.FieldsSeq(string(text)) {
		n[line]++
	}
	return n
}

// awaitUntil polls until something holds.
func awaitUntil(t *testing.T, what string, limit time.Duration, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", limit, what)
		}
	}
}

// metric reads a metric without labels, or with exactly those named.
func (d *daemon) metric(name string) (value float64) {
	d.t.Helper()
	answer, err := http.Get("http://" + d.Admin + "/metrics")
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(answer.Body); err != nil {
		d.t.Fatal(err)
	}
	_, rest, found := strings.Cut(text.String(), "\n"+name+" ")
	if _, err := fmt.Sscan(rest, &value); !found || err != nil {
		d.t.Fatalf("no metric %s: %v", name, err)
	}
	return value
}

// awaitBusy waits until so many instances have an invocation.
func (d *daemon) awaitBusy(n float64) {
	d.t.Helper()
	awaitUntil(d.t, "instances to be busy", 40*time.Second, func() bool { return d.metric(`lambent_instances{state="busy"}`) >= n })
}

func (d *daemon) drained() bool {
	return d.metric("lambent_events_waiting")+d.metric("lambent_events_running") == 0
}

// The request id of the 202 is the one that the function sees. A function's error ends the
// event.
func TestEventInvoke(t *testing.T) {
	t.Parallel()
	needs(t)
	d := upWith(t, t.TempDir(), allowProcess)
	client := d.client()
	for _, handler := range []string{"handler", "fail"} {
		file := marking(t, client, handler, "mark."+handler)
		id, err := sendEvent(t, client, handler, fmt.Sprintf(`{"file":%q}`, file))
		if err != nil {
			t.Fatal(err)
		}
		awaitUntil(t, "the event to run", 20*time.Second, func() bool { return marks(t, file)[id] > 0 && d.drained() })
		if n := marks(t, file); len(n) != 1 || n[id] != 1 {
			t.Errorf("%s ran as %v, want once as %s", handler, n, id)
		}
	}
	for name, want := range map[string]string{"gone": "ResourceNotFoundException", "handler": "RequestEntityTooLargeException"} {
		event := fmt.Sprintf(`{"file":"%s"}`, strings.Repeat("x", 1<<20))
		if name == "gone" {
			event = "{}"
		}
		var refused smithy.APIError
		if _, err := sendEvent(t, client, name, event); !errors.As(err, &refused) || refused.ErrorCode() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// Every event that was answered with 202 runs at least once, whenever the daemon is killed.
func TestEventsOutliveKill(t *testing.T) {
	t.Parallel()
	needs(t)
	w := watch(t)
	const events, before = 200, 120
	first := w.up(allowProcess)
	client := first.client()
	file := marking(t, client, "mark", "mark.handler")
	event := fmt.Sprintf(`{"file":%q,"sleep":0.05}`, file)

	accepted := sendUntilKilled(t, first, event, before)
	ran := len(marks(t, file))
	if len(accepted) < before || ran == 0 || ran >= len(accepted) {
		t.Fatalf("killed with %d accepted and %d run: not in the middle", len(accepted), ran)
	}

	second := w.up(allowProcess)
	client = second.client()
	for len(accepted) < events {
		id, err := sendEvent(t, client, "mark", event)
		if err != nil {
			t.Fatal(err)
		}
		accepted = append(accepted, id)
	}
	awaitUntil(t, "the queue to be empty", time.Minute, second.drained)
	runs, twice := marks(t, file), 0
	for _, id := range accepted {
		switch n := runs[id]; {
		case n == 0:
			t.Errorf("event %s was accepted and never ran", id)
		case n > 1:
			twice++
		}
	}
	t.Logf("%d events accepted, %d run before the kill, %d run more than once", len(accepted), ran, twice)
	second.stop()
	w.leftNothing()
}

// Stopping lets an event that runs end: it does not run again.
func TestStopLetsEventsEnd(t *testing.T) {
	t.Parallel()
	needs(t)
	data := t.TempDir()
	first := upWith(t, data, allowProcess)
	file := marking(t, first.client(), "mark", "mark.handler")
	id, err := sendEvent(t, first.client(), "mark", fmt.Sprintf(`{"file":%q,"sleep":2}`, file))
	if err != nil {
		t.Fatal(err)
	}
	awaitUntil(t, "the event to run", 20*time.Second, func() bool { return marks(t, file)[id] == 1 })
	first.stop()
	second := upWith(t, data, allowProcess)
	awaitUntil(t, "the queue to be empty", 20*time.Second, second.drained)
	time.Sleep(100 * time.Millisecond)
	if n := marks(t, file)[id]; n != 1 {
		t.Errorf("ran %d times", n)
	}
}

// sendUntilKilled sends events from several clients, kills the daemon when so many were
// accepted, and returns the request ids of all that were.
func sendUntilKilled(t *testing.T, d *daemon, event string, killAfter int) (accepted []string) {
	t.Helper()
	var mu sync.Mutex
	var senders sync.WaitGroup
	enough := make(chan struct{})
	for range 8 {
		senders.Go(func() {
			for {
				id, err := sendEvent(t, d.client(), "mark", event)
				if err != nil {
					return // the daemon is gone
				}
				mu.Lock()
				if accepted = append(accepted, id); len(accepted) == killAfter {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	d.kill()
	senders.Wait()
	return accepted
}
