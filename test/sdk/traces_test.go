package sdk

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// A trace goes to the collector under the caller's id, and the function sees the caller's
// header.
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
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	const header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	_, err := client.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String("echo"), Payload: []byte(`1`)}, sendingTrace(header))
	if err != nil {
		t.Fatal(err)
	}
	d.stop() // sends what waits
	root := []byte{0x57, 0x59, 0xe9, 0x88, 0xbd, 0x86, 0x2e, 0x3f, 0xe1, 0xbe, 0x46, 0xa9, 0x94, 0x27, 0x27, 0x93}
	select {
	case body := <-got:
		for _, want := range [][]byte{root, []byte("invoke echo"), []byte("handler"), []byte("lambent.isolation")} {
			if !bytes.Contains(body, want) {
				t.Errorf("the spans lack %q", want)
			}
		}
	case <-time.After(20 * time.Second):
		t.Error("no spans came")
	}
}

func sendingTrace(header string) func(*lambda.Options) {
	return lambda.WithAPIOptions(smithyhttp.AddHeaderValue("X-Amzn-Trace-Id", header))
}
