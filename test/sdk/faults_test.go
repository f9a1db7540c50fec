package sdk

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// timedOut is what recordings of the service show since 2025.
var timedOut = regexp.MustCompile(`^RequestId: [0-9a-f-]{36} Error: Task timed out after 1\.00 seconds$`)

// A timeout resets the instance: /tmp is kept, the module's state is not.
func TestTimeoutKeepsTmpAndLosesState(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	in := creation(t, "state", "app.py", "app.state")
	in.Timeout = aws.Int32(1)
	deploy(t, client, in)

	answers(t, client, "state", `{"number":42,"content":"some-content"}`, `{"number":42,"content":"some-content"}`)
	answers(t, client, "state", `{}`, `{"number":42,"content":"some-content"}`)
	f := fails(t, client, "state", `{"sleep":3}`)
	if f.Type != "Sandbox.Timedout" || !timedOut.MatchString(f.Message) {
		t.Errorf("timeout: %+v", f)
	}
	answers(t, client, "state", `{}`, `{"number":0,"content":"some-content"}`)
}

func TestExit(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, creation(t, "leave", "app.py", "app.leave"))
	tests := []struct{ event, message string }{
		{`{"code":0}`, "Error: Runtime exited without providing a reason"},
		{`{"code":7}`, "Error: Runtime exited with error: exit status 7"},
	}
	for _, tt := range tests {
		f := fails(t, client, "leave", tt.event)
		if f.Type != "Runtime.ExitError" || !strings.HasSuffix(f.Message, tt.message) || !strings.HasPrefix(f.Message, "RequestId: ") {
			t.Errorf("%s: %+v", tt.event, f)
		}
		answers(t, client, "leave", `{}`, `"still here"`)
	}
}

func TestOutOfMemory(t *testing.T) {
	needs(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, creation(t, "hoard", "app.py", "app.hoard"))
	out := invoke(t, client, "hoard", `{"mib":400}`, func(in *lambda.InvokeInput) { in.LogType = "Tail" })
	log := tailOf(t, out)
	if aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(log, "Error Type: Runtime.OutOfMemory") {
		t.Errorf("%s %s\n%s", aws.ToString(out.FunctionError), out.Payload, log)
	}
	answers(t, client, "hoard", `{"mib":1}`, `1`)
}

func TestResponseTooLarge(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, creation(t, "large", "app.py", "app.large"))
	const limit = 6<<20 + 100
	if out := invoke(t, client, "large", `{"size":6291554}`); len(out.Payload) != limit || out.FunctionError != nil {
		t.Errorf("the largest answer: %d bytes, %s", len(out.Payload), aws.ToString(out.FunctionError))
	}
	f := fails(t, client, "large", `{"size":6291555}`)
	if f.Type != "Function.ResponseSizeTooLarge" || f.Message != "Response payload size exceeded maximum allowed payload size (6291556 bytes)." {
		t.Errorf("one byte more: %+v", f)
	}
}

func TestHandlerErrors(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	tests := []struct{ name, handler, kind, message string }{
		{"broken", "app.broken", "ValueError", "this basket is empty"},
		{"unserializable", "app.unserializable", "Runtime.MarshalError", "is not JSON serializable"},
		{"nomodule", "nothere.handler", "Runtime.ImportModuleError", "Unable to import module 'nothere': No module named 'nothere'"},
		{"nohandler", "app.nothere", "Runtime.HandlerNotFound", "Handler 'nothere' missing on module 'app'"},
		{"nodot", "app", "Runtime.MalformedHandlerName", "Bad handler 'app'"},
	}
	for _, tt := range tests {
		deploy(t, client, creation(t, tt.name, "app.py", tt.handler))
		for range 2 { // the second meets what the first left
			f := fails(t, client, tt.name, `{}`)
			if f.Type != tt.kind || !strings.Contains(f.Message, tt.message) {
				t.Errorf("%s: %+v", tt.name, f)
			}
		}
	}
	if f := fails(t, client, "broken", `{}`); len(f.Trace) == 0 || !strings.Contains(f.Trace[0], "/var/task/app.py") || f.ID == "" {
		t.Errorf("stack trace: %+v", f)
	}
}
