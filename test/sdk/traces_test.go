package sdk

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// A trace goes to the collector under the caller's id, with a span for each phase that the receipt
// has, and the function sees the caller's header.
func TestTracesReachTheCollector(t *testing.T) {
	needs(t)
	got := make(chan []byte, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && r.URL.Path == "/v1/traces" {
			got <- body
		}
	}))
	t.Cleanup(collector.Close)
	t.Setenv("LAMBENT_TRACES_ENDPOINT", collector.URL)
	d := up(t, t.TempDir())
	client := d.client()
	deploy(t, client, creation(t, "trace", "app.py", "app.trace"))
	const header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	out, err := client.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String("trace")}, sendingTrace(header))
	if err != nil {
		t.Fatal(err)
	}
	if string(out.Payload) != `"`+header+`"` {
		t.Errorf("the function saw %s", out.Payload)
	}
	d.stop() // sends what waits
	root := []byte{0x57, 0x59, 0xe9, 0x88, 0xbd, 0x86, 0x2e, 0x3f, 0xe1, 0xbe, 0x46, 0xa9, 0x94, 0x27, 0x27, 0x93}
	select {
	case body := <-got:
		wants := append(phaseSpans(headersOf(t, out).Get("Server-Timing")), root, spanName("invoke trace"), []byte("lambent.isolation"))
		for _, want := range wants {
			if !bytes.Contains(body, want) {
				t.Errorf("the spans lack %q", want)
			}
		}
	case <-time.After(20 * time.Second):
		t.Error("no spans came")
	}
}

// phaseSpans are the names of spans for the phases that took time.
func phaseSpans(timing string) (names [][]byte) {
	for part := range strings.SplitSeq(timing, ",") {
		name, took, _ := strings.Cut(strings.TrimSpace(part), ";dur=")
		if ms, err := strconv.ParseFloat(took, 64); err == nil && ms > 0 && name != "total" {
			names = append(names, spanName(name))
		}
	}
	return names
}

// spanName is a name as it stands in a span (opentelemetry.proto.trace.v1.Span, field 5).
func spanName(name string) []byte { return append([]byte{5<<3 | 2, byte(len(name))}, name...) }

func sendingTrace(header string) func(*lambda.Options) {
	return lambda.WithAPIOptions(smithyhttp.AddHeaderValue("X-Amzn-Trace-Id", header))
}
