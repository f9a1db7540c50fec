package lambdaapi

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

func withRouter(f router) func(*Deps) { return func(d *Deps) { d.Invoker = f } }

func TestInvokeAnswers(t *testing.T) {
	var got *lambda.Invocation
	b := newBench(t, withRouter(func(inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
		got = inv
		r, err := echo(inv, sink)
		r.Start, r.Why = receipt.Cold, "no instance was there"
		r.Add(receipt.Queue, 1500*time.Microsecond)
		r.Add(receipt.Handler, 2*time.Millisecond)
		return r, err
	}))
	r := b.do("POST", functions+"/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af%3Alive/invocations/", `{"a":1}`,
		"X-Amz-Client-Context", base64.StdEncoding.EncodeToString([]byte(`{"custom":{}}`)), "X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793")
	if r.Code != 200 || r.Body.String() != `{"a":1}` {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	want := &lambda.Invocation{
		RequestID: r.Header().Get("X-Amzn-Requestid"), Function: id("f"), Qualifier: "live", Type: lambda.RequestResponse,
		Payload: []byte(`{"a":1}`), ClientContext: []byte(`{"custom":{}}`), TraceID: "Root=1-5759e988-bd862e3fe1be46a994272793", Arrived: got.Arrived,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for name, value := range map[string]string{
		"X-Amz-Executed-Version": "$LATEST", "Content-Type": "application/json", "X-Amz-Function-Error": "", "X-Amz-Log-Result": "",
		"X-Lambent-Start": "cold", "X-Lambent-Isolation": "light", "X-Lambent-Why": "no instance was there",
		"Server-Timing":   "queue;dur=1.500, sandbox;dur=0.000, runtime;dur=0.000, init;dur=0.000, handler;dur=2.000, response;dur=0.000, total;dur=3.500",
		"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793",
	} {
		if r.Header().Get(name) != value {
			t.Errorf("%s = %q, want %q", name, r.Header().Get(name), value)
		}
	}
}

func TestInvokeEmptyBodyIsEmptyObject(t *testing.T) {
	b := newBench(t)
	r := b.do("POST", functions+"/f/invocations", "")
	if r.Body.String() != "{}" {
		t.Errorf("got %s", r.Body)
	}
	if trace := r.Header().Get("X-Amzn-Trace-Id"); !regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Sampled=0$`).MatchString(trace) {
		t.Errorf("trace %q", trace)
	}
}

func TestInvokeFunctionErrorIs200(t *testing.T) {
	payload := `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: x Error: Task timed out after 1.00 seconds"}`
	b := newBench(t, withRouter(func(inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
		_, _ = sink.Write([]byte("half an ans"))
		sink.Finish(&lambda.FunctionError{Type: "Sandbox.Timedout", Payload: []byte(payload)})
		return receipt.Receipt{Version: "3", TailLog: []byte(strings.Repeat("x", 5000) + "REPORT")}, nil
	}))
	r := b.do("POST", functions+"/f/invocations", "{}", "X-Amz-Log-Type", "Tail")
	if r.Code != 200 || r.Header().Get("X-Amz-Function-Error") != "Unhandled" || r.Body.String() != payload || r.Header().Get("X-Amz-Executed-Version") != "3" {
		t.Errorf("%d %v %s", r.Code, r.Header(), r.Body)
	}
	log, err := base64.StdEncoding.DecodeString(r.Header().Get("X-Amz-Log-Result"))
	if err != nil || len(log) != lambda.MaxTailLog || !strings.HasSuffix(string(log), "REPORT") {
		t.Errorf("log of %d bytes, %v", len(log), err)
	}
}

func TestInvokeErrors(t *testing.T) {
	throttle := lambda.NewError(lambda.ErrTooManyRequests, "Rate Exceeded.")
	throttle.Reason = lambda.ReasonConcurrency
	tests := []struct {
		err    error
		status int
		body   string
	}{
		{throttle, 429, `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`},
		{lambda.NewError(lambda.ErrResourceConflict, "Pending"), 409, `{"Type":"User","message":"Pending"}`},
		{lambda.NewError(lambda.ErrResourceNotReady, "soon").WithCause(errors.New("secret")), 502, `{"Type":"Service","message":"soon"}`},
	}
	for _, tt := range tests {
		b := newBench(t, withRouter(func(*lambda.Invocation, lambda.Sink) (receipt.Receipt, error) { return receipt.Receipt{}, tt.err }))
		r := b.do("POST", functions+"/f/invocations", "{}")
		if r.Code != tt.status || r.Body.String() != tt.body {
			t.Errorf("%d %s", r.Code, r.Body)
		}
		if (r.Header().Get("Retry-After") != "") != (tt.status == 429) {
			t.Errorf("%d: Retry-After %q", r.Code, r.Header().Get("Retry-After"))
		}
	}
}

// Nothing of the inside leaks: not the text of an error, not a panic.
func TestInternalErrorsSayNothing(t *testing.T) {
	for name, f := range map[string]router{
		"error": func(*lambda.Invocation, lambda.Sink) (receipt.Receipt, error) {
			return receipt.Receipt{}, errors.New("open /var/lib/secret: no such file")
		},
		"panic": func(*lambda.Invocation, lambda.Sink) (receipt.Receipt, error) { panic("secret pointer") },
	} {
		r := newBench(t, withRouter(f)).do("POST", functions+"/f/invocations", "{}")
		if r.Code != 500 || r.kind() != "ServiceException" || r.fields["Type"] != "Service" || strings.Contains(r.Body.String(), "secret") {
			t.Errorf("%s: %d %s", name, r.Code, r.Body)
		}
	}
	b := newBench(t)
	b.memory.broken = errors.New("database secret is locked")
	for _, target := range []string{functions, functions + "/f"} {
		if r := b.do("GET", target, ""); r.Code != 500 && r.Code != 404 || strings.Contains(r.Body.String(), "secret") {
			t.Errorf("%s: %d %s", target, r.Code, r.Body)
		}
	}
}

func TestInvokeDryRun(t *testing.T) {
	b := newBench(t, withRouter(func(inv *lambda.Invocation, _ lambda.Sink) (receipt.Receipt, error) {
		if inv.Type != lambda.DryRun {
			t.Errorf("the router sees type %s", inv.Type)
		}
		return receipt.Receipt{}, nil
	}))
	r := b.do("POST", functions+"/thumbnail/invocations", "", "X-Amz-Invocation-Type", "DryRun")
	if r.Code != 204 || r.Body.Len() != 0 || r.Header().Get("Server-Timing") != "" {
		t.Errorf("%d %v %s", r.Code, r.Header(), r.Body)
	}
}
