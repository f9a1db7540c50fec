package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// span is when an invocation ran, as the function saw it on the host's one clock.
type span [2]float64

// ran is what came of many requests to one function.
type ran struct {
	mu      sync.Mutex
	spans   []span
	reasons map[types.ThrottleReason]int
	wrong   []error
}

// Three thousand requests at once, over HTTP, into real sandboxes: what the functions saw
// themselves never exceeds the limits, and who is refused hears of the right one.
func TestLimitsHoldInside(t *testing.T) {
	needs(t)
	const limit, reserved, provisioned, requests = 10, 3, 2, 3000
	data := t.TempDir()
	first := up(t, data)
	client := first.client()
	for _, name := range []string{"narrow", "ahead", "shared"} {
		in := creation(t, name, "span.py", "span.handler")
		in.Publish = true
		deploy(t, client, in)
	}
	reserveAndProvision(t, client, reserved, provisioned)
	first.stop()

	// The API leaves 100 to all; an account that has only ten shows the limits.
	d := upWith(t, data, "LAMBENT_CONCURRENCY=10")
	options := d.Options()
	options.HTTPClient = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: requests}}
	client = lambda.New(options)
	awaitGauge(t, d, "lambent_provisioned_instances", provisioned)
	results := storm(t, client, requests)

	const unclaimed = limit - reserved - provisioned
	all := slices.Concat(results["narrow"].spans, results["ahead"].spans, results["shared"].spans)
	for name, most := range map[string][2]int{
		"all": {atOnce(all), limit}, "narrow": {atOnce(results["narrow"].spans), reserved},
		"shared": {atOnce(results["shared"].spans), unclaimed}, "ahead": {atOnce(results["ahead"].spans), unclaimed + provisioned},
	} {
		t.Logf("%s: at most %d of %d at once", name, most[0], most[1])
		if most[0] > most[1] || most[0] == 0 {
			t.Errorf("%s: %d at once, the limit is %d", name, most[0], most[1])
		}
	}
	for name, r := range results {
		r.check(t, name)
	}
}

func (r *ran) check(t *testing.T, name string) {
	t.Helper()
	want := types.ThrottleReasonConcurrentInvocationLimitExceeded
	if name == "narrow" {
		want = types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded
	}
	t.Logf("%s: %d ran, refused %v", name, len(r.spans), r.reasons)
	if len(r.reasons) != 1 || r.reasons[want] == 0 {
		t.Errorf("%s was refused with %v, want %s", name, r.reasons, want)
	}
	if len(r.wrong) > 0 {
		t.Errorf("%s: %d errors besides, the first: %v", name, len(r.wrong), r.wrong[0])
	}
}

func reserveAndProvision(t *testing.T, client *lambda.Client, reserved, provisioned int32) {
	t.Helper()
	_, err := client.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("narrow"), ReservedConcurrentExecutions: &reserved})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PutProvisionedConcurrencyConfig(t.Context(),
		&lambda.PutProvisionedConcurrencyConfigInput{FunctionName: aws.String("ahead"), Qualifier: aws.String("1"), ProvisionedConcurrentExecutions: &provisioned})
	if err != nil {
		t.Fatal(err)
	}
}

// storm sends requests to the three functions, all at once.
func storm(t *testing.T, client *lambda.Client, requests int) map[string]*ran {
	t.Helper()
	names := []string{"narrow", "ahead", "shared"}
	results := map[string]*ran{}
	for _, name := range names {
		results[name] = &ran{reasons: map[types.ThrottleReason]int{}}
	}
	var all sync.WaitGroup
	for i := range requests {
		name := names[i%len(names)]
		all.Go(func() { results[name].ask(t.Context(), client, name) })
	}
	all.Wait()
	return results
}

func (r *ran) ask(ctx context.Context, client *lambda.Client, name string) {
	in := &lambda.InvokeInput{FunctionName: &name}
	if name == "ahead" {
		in.Qualifier = aws.String("1")
	}
	out, err := client.Invoke(ctx, in)
	r.mu.Lock()
	defer r.mu.Unlock()
	var throttle *types.TooManyRequestsException
	switch {
	case errors.As(err, &throttle):
		r.reasons[throttle.Reason]++
		if aws.ToString(throttle.RetryAfterSeconds) == "" {
			r.wrong = append(r.wrong, errors.New("a throttle without Retry-After"))
		}
	case err != nil:
		r.wrong = append(r.wrong, err)
	default:
		var s span
		if err := json.Unmarshal(out.Payload, &s); err != nil {
			r.wrong = append(r.wrong, err)
		}
		r.spans = append(r.spans, s)
	}
}

// atOnce is how many of the spans overlap at most.
func atOnce(spans []span) (most int) {
	type edge struct {
		at float64
		by int
	}
	var edges []edge
	for _, s := range spans {
		edges = append(edges, edge{s[0], +1}, edge{s[1], -1})
	}
	slices.SortFunc(edges, func(a, b edge) int {
		switch {
		case a.at < b.at || a.at == b.at && a.by < b.by: // who ends at the same moment is not there any more
			return -1
		}
		return 1
	})
	now := 0
	for _, e := range edges {
		now += e.by
		most = max(most, now)
	}
	return most
}
