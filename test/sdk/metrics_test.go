package sdk

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// What a server serves stands on the page of metrics, it says why a request was not warm, and
// names that callers make up add no series.
func TestMetrics(t *testing.T) {
	t.Parallel()
	needs(t)
	d := up(t, t.TempDir())
	client := d.client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	answers(t, client, "echo", `1`, `1`)
	answers(t, client, "echo", `2`, `2`)
	invokeStranger(t, client, 0)
	deploy(t, client, creation(t, "fails", "app.py", "app.absent"))
	if out := invoke(t, client, "fails", `{}`); out.FunctionError == nil {
		t.Error("a function without a handler answered")
	}
	deployThrottled(t, client)
	before := d.metrics(t)
	for _, want := range whatIsCounted {
		if !regexp.MustCompile("(?m)^" + want + " [0-9.e+-]+$").MatchString(before) {
			t.Errorf("there is no %s", want)
		}
	}

	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^# HELP (lambent_\w+) `).FindAllStringSubmatch(before, -1) {
		if !strings.Contains(string(page), "\n| `"+m[1]+"` | ") {
			t.Errorf("docs/metrics.md lacks %s", m[1])
		}
	}
	if first := regexp.MustCompile(`(?m)^lambent_starts_total\{isolation="light",start="\w+",why="first"\} [1-9]`); !first.MatchString(before) {
		t.Errorf("no start for the first invocation:\n%s", before)
	}
	if tax := regexp.MustCompile(`(?m)^lambent_tax_seconds_total\{isolation="light"\} [0-9.e-]*[1-9]`); !tax.MatchString(before) {
		t.Errorf("no tax of light:\n%s", before)
	}
	thousands(t, client)
	if was, is := series(before), series(d.metrics(t)); is != was {
		t.Errorf("%d series, then %d", was, is)
	}
}

// whatIsCounted has a line for each thing that an operator is promised, from what TestMetrics does.
var whatIsCounted = []string{
	`lambent_invokes_total\{isolation="light",outcome="ok",start="warm"\}`,
	`lambent_invokes_total\{isolation="light",outcome="function_error",start="\w+"\}`,
	`lambent_throttles_total\{reason="ReservedFunctionConcurrentInvocationLimitExceeded"\}`,
	`lambent_starts_total\{isolation="light",start="\w+",why="first"\}`,
	`lambent_invoke_phase_seconds_bucket\{isolation="light",phase="init",le="0.5"\}`,
	`lambent_invoke_phase_seconds_count\{isolation="light",phase="handler"\}`,
	`lambent_invokes_queued`, `lambent_events_waiting`,
	`lambent_stems_ready\{interpreter="[^"]*",isolation="light"\}`, `lambent_stems_wanted\{interpreter="[^"]*",isolation="light"\}`,
	`lambent_instances\{state="idle"\}`, `lambent_instance_memory_mib`,
	`lambent_tax_seconds_total\{isolation="light"\}`,
}

// deployThrottled invokes a function that has no concurrency left.
func deployThrottled(t *testing.T, client *lambda.Client) {
	t.Helper()
	deploy(t, client, creation(t, "closed", "app.py", "app.echo"))
	_, err := client.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("closed"), ReservedConcurrentExecutions: aws.Int32(0)})
	if err != nil {
		t.Fatal(err)
	}
	var refused *types.TooManyRequestsException
	if _, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("closed")}); !errors.As(err, &refused) {
		t.Errorf("a function without concurrency: %v", err)
	}
}

// thousands creates a thousand functions, and invokes a thousand that are not there.
func thousands(t *testing.T, client *lambda.Client) {
	t.Helper()
	const each, senders = 64, 16
	code := creation(t, "", "app.py", "app.echo")
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			for i := sender * each; i < (sender+1)*each; i++ {
				in := *code
				in.FunctionName = aws.String(fmt.Sprintf("one-of-many-%d", i))
				if _, err := client.CreateFunction(t.Context(), &in); err != nil {
					t.Errorf("creating %s: %v", *in.FunctionName, err)
					return
				}
				invokeStranger(t, client, i)
			}
		})
	}
	all.Wait()
}

func invokeStranger(t *testing.T, client *lambda.Client, i int) {
	t.Helper()
	in := &lambda.InvokeInput{FunctionName: aws.String(fmt.Sprintf("stranger-%d", i)), Qualifier: aws.String(fmt.Sprintf("alias-%d", i))}
	if _, err := client.Invoke(t.Context(), in); err == nil {
		t.Error("a function that is not there answered")
	}
}

// series counts those of Lambent; of stems there is a series for each kind that was made by then.
func series(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "lambent_") && !strings.HasPrefix(line, "lambent_stems_") && !strings.HasPrefix(line, "lambent_boxes_") {
			n++
		}
	}
	return n
}
