package telemetry

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collected is an OTLP collector that keeps spans.
type collected struct {
	mu    sync.Mutex // protects spans
	spans []*otlp.Span
}

func (c *collected) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &request) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

func traced(t *testing.T, share float64, all ...*Traced) []*otlp.Span {
	t.Helper()
	c := &collected{}
	srv := httptest.NewServer(c)
	defer srv.Close()
	tracer, err := NewTracer(context.Background(), srv.URL, share)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		tracer.Invoked(v)
	}
	if err := tracer.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return c.spans
}

const header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

func TestASpanForEachPhase(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	spans := traced(t, 0, &Traced{
		Header: header, Function: "shop", RequestID: "r", Arrived: at, Fault: "Sandbox.Timedout", Attributes: map[string]string{"lambent.isolation": "light"},
		Phases: []TracedPhase{{"queue", time.Millisecond}, {"sandbox", 0}, {"handler", 2 * time.Millisecond}},
	})
	if len(spans) != 3 {
		t.Fatalf("%d spans, want the invocation, queue and handler", len(spans))
	}
	queue, handler, whole := spans[0], spans[1], spans[2]
	if whole.Name != "invoke shop" || hex.EncodeToString(whole.TraceId) != "5759e988bd862e3fe1be46a994272793" || hex.EncodeToString(whole.ParentSpanId) != "53995c3f42cd8ad8" {
		t.Errorf("%v", whole)
	}
	if whole.Status.GetMessage() != "Sandbox.Timedout" || len(whole.Attributes) != 3 {
		t.Errorf("%v", whole)
	}
	if queue.StartTimeUnixNano != uint64(at.UnixNano()) || handler.StartTimeUnixNano != queue.EndTimeUnixNano || handler.EndTimeUnixNano != whole.EndTimeUnixNano {
		t.Errorf("the phases are not one after the other: %v %v %v", queue, handler, whole)
	}
	if string(handler.ParentSpanId) != string(whole.SpanId) {
		t.Error("a phase is not part of its invocation")
	}
}

// A caller that decided is obeyed; of the others a share is sent.
func TestSampling(t *testing.T) {
	refused := "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
	for name, test := range map[string]struct {
		header string
		share  float64
		want   int
	}{
		"the caller asked": {header, 0, 1}, "the caller refused": {refused, 1, 0}, "nobody decided, all": {"", 1, 1}, "nobody decided, none": {"", 0, 0},
		"no header at all": {"Root=;;=", 1, 1},
	} {
		if got := len(traced(t, test.share, &Traced{Header: test.header, Function: "f", Arrived: time.Now()})); got != test.want {
			t.Errorf("%s: %d spans, want %d", name, got, test.want)
		}
	}
}

func FuzzParent(f *testing.F) {
	f.Add(header)
	f.Add("Root=1-;Parent")
	f.Fuzz(func(t *testing.T, text string) {
		if p := parentOf(text); p.IsValid() && !p.IsRemote() {
			t.Error(p)
		}
	})
}
