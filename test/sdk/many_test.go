package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
)

// member is what one request of a crowd answered.
type member struct {
	answer struct {
		Home float64
		ID   string
	}
	out *lambda.InvokeOutput
	err error
}

// meet sends n requests that wait for each other.
func meet(t *testing.T, client *lambda.Client, n int) <-chan member {
	t.Helper()
	got := make(chan member, n)
	for range n {
		go func() {
			var m member
			m.out, m.err = client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("crowd"), Payload: fmt.Appendf(nil, `{"of":%d}`, n)})
			if m.err == nil {
				m.err = json.Unmarshal(m.out.Payload, &m.answer)
			}
			got <- m
		}()
	}
	return got
}

// Requests meet in the memory of one instance, and count one by one against the
// reservation, as executions do on AWS.
func TestManyRequestsInOneInstance(t *testing.T) {
	t.Parallel()
	hostNode(t)
	client := up(t, t.TempDir()).client()
	in := nodeCreation(t, "crowd", "crowd.mjs", "crowd.handler")
	in.Tags["lambent:concurrency"], in.MemorySize = "8", aws.Int32(256)
	deploy(t, client, in)
	reserve := func(n int32) {
		t.Helper()
		_, err := client.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("crowd"), ReservedConcurrentExecutions: aws.Int32(n)})
		if err != nil {
			t.Fatal(err)
		}
	}
	reserve(8)
	for range 3 { // the first meets no instance, the others a warm one
		got, homes := meet(t, client, 8), map[float64]bool{}
		for range 8 {
			m := <-got
			if m.err != nil || m.out.FunctionError != nil || m.answer.ID != headersOf(t, m.out).Get("X-Amzn-Requestid") {
				t.Fatalf("%v, %s", m.err, m.out.Payload)
			}
			homes[m.answer.Home] = true
		}
		if len(homes) != 1 {
			t.Errorf("eight requests at once were in %d processes", len(homes))
		}
	}
	reserve(2)
	waiting := meet(t, client, 2)
	for range 2 {
		if m := <-waiting; m.err != nil {
			t.Fatal(m.err)
		}
	}
	half := make(chan error, 2)
	for range 2 { // they wait for a third, which is over the limit however many slots are free
		go func() {
			_, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("crowd"), Payload: []byte(`{"of":3}`)})
			half <- err
		}()
	}
	time.Sleep(500 * time.Millisecond)
	throttles(t, client, "crowd")
	for range 2 {
		if err := <-half; err != nil {
			t.Errorf("who waited in vain: %v", err)
		}
	}
}

// The setting is a tag, and what is no number of requests is refused where it is set.
func TestConcurrencyTagIsChecked(t *testing.T) {
	t.Parallel()
	client := up(t, t.TempDir()).client()
	in := creation(t, "echo", "app.py", "app.echo")
	in.Tags = map[string]string{"lambent:concurrency": "1601"}
	_, err := client.CreateFunction(t.Context(), in)
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "InvalidParameterValueException" || !strings.Contains(refused.ErrorMessage(), "use 1 to 1600") {
		t.Errorf("%v", err)
	}
	in.Tags["lambent:concurrency"] = "1600"
	deploy(t, client, in)
}

// In Python each of them has a process; they meet in /tmp.
func TestManyPythonProcessesInOneInstance(t *testing.T) {
	needs(t)
	client := up(t, t.TempDir()).client()
	in := creation(t, "crowd", "app.py", "app.handler")
	in.Code.ZipFile = zipOf(t, "app.py", `
import os, random, time
home = random.random()

def handler(event, context):
    here = "/tmp/%d" % event["of"]
    os.makedirs(here, exist_ok=True)
    open(here + "/" + context.aws_request_id, "w").close()
    while len(os.listdir(here)) < event["of"]:
        time.sleep(0.002)
    return {"home": home, "id": context.aws_request_id}
`)
	in.Tags, in.MemorySize = map[string]string{"lambent:concurrency": "4"}, aws.Int32(512)
	deploy(t, client, in)
	for _, n := range []int{3, 4} { // cold, warm
		got, homes := meet(t, client, n), map[float64]bool{}
		for range n {
			m := <-got
			if m.err != nil || m.out.FunctionError != nil || m.answer.ID != headersOf(t, m.out).Get("X-Amzn-Requestid") {
				t.Fatalf("%v, %+v", m.err, m.out)
			}
			homes[m.answer.Home] = true
		}
		if len(homes) != n {
			t.Errorf("%d requests at once were in %d processes", n, len(homes))
		}
	}
}
