package lambdaapi

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

const eventType, isEvent = "X-Amz-Invocation-Type", "Event"

// withEvents is a bench whose router fails the test.
func withEvents(t *testing.T, accept events) *bench {
	return newBench(t, func(d *Deps) {
		d.Events = accept
		d.Invoker = router(func(*lambda.Invocation, lambda.Sink) (receipt.Receipt, error) {
			t.Error("the router was asked")
			return receipt.Receipt{}, nil
		})
	})
}

func TestEventIsAccepted(t *testing.T) {
	var got *lambda.Invocation
	b := withEvents(t, func(inv *lambda.Invocation) error {
		got = inv
		return nil
	})
	r := b.do("POST", functions+"/f/invocations?Qualifier=live", ` {"a": 1}`, eventType, isEvent, "X-Amz-Log-Type", "Tail",
		"X-Amz-Client-Context", base64.StdEncoding.EncodeToString([]byte("{}")), "X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793")
	if r.Code != 202 || r.Body.Len() != 0 {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	for _, name := range []string{"X-Amz-Executed-Version", "X-Amz-Log-Result", "X-Amz-Function-Error", "Server-Timing", "Content-Type"} {
		if value := r.Header().Get(name); value != "" {
			t.Errorf("%s = %q", name, value)
		}
	}
	want := &lambda.Invocation{
		RequestID: r.Header().Get("X-Amzn-Requestid"), Function: id("f"), Qualifier: "live", Type: lambda.Event, Payload: []byte(` {"a": 1}`),
		ClientContext: []byte("{}"), TraceID: "Root=1-5759e988-bd862e3fe1be46a994272793", TailLog: true, Arrived: got.Arrived,
	}
	if diff := cmp.Diff(want, got); diff != "" || want.RequestID == "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestLargestEvent(t *testing.T) {
	b := withEvents(t, func(inv *lambda.Invocation) error {
		if len(inv.Payload) != 1<<20 {
			t.Errorf("payload of %d bytes", len(inv.Payload))
		}
		return nil
	})
	if r := b.do("POST", functions+"/f/invocations", `"`+strings.Repeat("x", 1<<20-2)+`"`, eventType, isEvent); r.Code != 202 {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

// What is not on disk is not accepted, and why is nobody's business.
func TestEventIsRefused(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		kind   string
	}{
		{errors.New("the disk of secret is full"), 500, "ServiceException"},
		{lambda.NewError(lambda.ErrResourceNotFound, "Function not found: f"), 404, "ResourceNotFoundException"},
	} {
		r := withEvents(t, func(*lambda.Invocation) error { return tt.err }).do("POST", functions+"/f/invocations", "", eventType, isEvent)
		if r.Code != tt.status || r.kind() != tt.kind || strings.Contains(r.Body.String(), "secret") {
			t.Errorf("%d %s %s", r.Code, r.kind(), r.Body)
		}
	}
}
