package sdk

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// AWS's runtime client for Go takes several requests at once in goroutines of one process; who
// comes later may be answered first.
func TestGoClientTakesManyAtOnce(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	in := creation(t, "meeting", "app.py", "meeting")
	in.Runtime, in.Code = types.RuntimeProvidedal2023, &types.FunctionCode{ZipFile: packFolder(t, goFunction(t))}
	in.MemorySize, in.Timeout, in.Tags = aws.Int32(256), aws.Int32(60), map[string]string{"lambent:concurrency": "4"}
	deploy(t, client, in)
	requestsMeet(t, client, "meeting")
}

// attendance is what a function answers whose requests wait for each other.
type attendance struct {
	Name, Request, Most string
	PID                 int
}

// requestsMeet holds that a function with room for four requests in an instance runs them at
// once in one process, and that they may be answered in another order than they came in.
func requestsMeet(t *testing.T, client *lambda.Client, function string) {
	t.Helper()
	ask := func(event string) attendance { return attend(t, client, function, event) }
	alone := ask(`{"name":"alone"}`)
	if alone.Name != "alone" || alone.Most != "4" {
		t.Fatalf("%+v", alone)
	}
	waiting := make(chan attendance, 1)
	go func() { waiting <- ask(`{"name":"first","for":"last"}`) }()
	// The second waits for the first: they run at once. It is answered while the first waits.
	second := ask(`{"name":"second","for":"first"}`)
	select {
	case early := <-waiting:
		t.Errorf("%+v did not wait", early)
	default:
	}
	last := ask(`{"name":"last"}`)
	first := <-waiting
	for name, got := range map[string]attendance{"first": first, "second": second, "last": last} {
		if got.Name != name || got.PID != alone.PID {
			t.Errorf("%s got %+v, another process than %d's", name, got, alone.PID)
		}
	}
	if first.Request == second.Request || first.Request == last.Request {
		t.Errorf("requests share an id: %+v, %+v, %+v", first, second, last)
	}
}

func attend(t *testing.T, client *lambda.Client, function, event string) (got attendance) {
	out, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(function), Payload: []byte(event)})
	if err == nil && out.FunctionError != nil {
		err = errors.New(*out.FunctionError)
	}
	if err == nil {
		err = json.Unmarshal(out.Payload, &got)
	}
	if err != nil {
		t.Errorf("%s: %v", event, err)
	}
	return got
}
