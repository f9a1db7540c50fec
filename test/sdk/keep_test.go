package sdk

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// started invokes a function and returns how it got its instance, and why.
func started(t *testing.T, d *daemon, name string) (start, why string) {
	t.Helper()
	answer, err := http.Post("http://"+d.Listen+"/2015-03-31/functions/"+name+"/invocations", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.Header.Get("X-Lambent-Start"), answer.Header.Get("X-Lambent-Why")
}

// The tags act at once, on the instance that is there: nothing is started anew for them.
func TestKeepAliveTag(t *testing.T) {
	t.Parallel()
	needs(t)
	d := upWith(t, t.TempDir(), "LAMBENT_KEEP_ALIVE=300ms", "LAMBENT_FREEZE_AFTER=100ms")
	client := d.client()
	created := deploy(t, client, creation(t, "kept", "app.py", "app.echo"))
	started(t, d, "kept")
	time.Sleep(time.Second)
	if start, why := started(t, d, "kept"); start == "warm" || why != "instance expired after 0.3 s idle" {
		t.Errorf("with the server's keep-alive: %s, %q", start, why)
	}
	if err := tag(t, client, created.FunctionArn, map[string]string{"lambent:keep-alive": "always"}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if start, _ := started(t, d, "kept"); start != "warm" {
		t.Errorf("always: %s", start)
	}
	if err := tag(t, client, created.FunctionArn, map[string]string{"lambent:keep-alive": "100ms"}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if start, why := started(t, d, "kept"); start == "warm" || why != "instance expired after 0.1 s idle, as lambent:keep-alive says" {
		t.Errorf("100ms: %s, %q", start, why)
	}
	refusesKeep(t, client, created)
}

func refusesKeep(t *testing.T, client *lambda.Client, created *lambda.CreateFunctionOutput) {
	t.Helper()
	var parameter *types.InvalidParameterValueException
	err := tag(t, client, created.FunctionArn, map[string]string{"lambent:p99": "200ms"})
	if !errors.As(err, &parameter) || !strings.Contains(parameter.ErrorMessage(), "exclude each other") {
		t.Errorf("both tags: %v", err)
	}
	err = tag(t, client, created.FunctionArn, map[string]string{"lambent:keep-alive": "soon"})
	if !errors.As(err, &parameter) || !strings.Contains(parameter.ErrorMessage(), "or always") {
		t.Errorf("soon: %v", err)
	}
	if got := getFunction(t, client, aws.ToString(created.FunctionName)).Tags; got["lambent:keep-alive"] != "100ms" || got["lambent:p99"] != "" {
		t.Errorf("tags %v", got)
	}
}

// A function that wants its 99th percentile held stays beyond the server's keep-alive
// while too little is known of it.
func TestP99Tag(t *testing.T) {
	t.Parallel()
	needs(t)
	d := upWith(t, t.TempDir(), "LAMBENT_KEEP_ALIVE=100ms")
	client := d.client()
	in := creation(t, "prompt", "app.py", "app.echo")
	in.Tags = map[string]string{"lambent:p99": "1ms"}
	deploy(t, client, in)
	started(t, d, "prompt")
	time.Sleep(time.Second)
	if start, why := started(t, d, "prompt"); start != "warm" {
		t.Errorf("%s, %q", start, why)
	}
}
