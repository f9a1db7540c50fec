package telemetry

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// A Tracer sends a span for each invocation and one for each of its phases to an
// OpenTelemetry collector, in batches and beside the path: what the collector does not take
// in time is dropped.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// NewTracer makes a tracer that sends OTLP over HTTP to the collector at endpoint, for
// instance http://127.0.0.1:4318. Of invocations that no caller decided about, a share
// between 0 and 1 is sent. It connects with the first spans. Close it to send the last.
func NewTracer(ctx context.Context, endpoint string, share float64) (*Tracer, error) {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimSuffix(endpoint, "/")+"/v1/traces"))
	if err != nil {
		return nil, fmt.Errorf("sending traces to %s: %w", endpoint, err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(share))),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "lambent"))),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer("lambent.dev/lambent")}, nil
}

// Close sends what waits, until ctx ends.
func (t *Tracer) Close(ctx context.Context) error {
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("sending the last traces: %w", err)
	}
	return nil
}

// Traced is an invocation as its trace shows it. Names of attributes are those of the
// semantic conventions for functions as a service.
type Traced struct {
	Header     string // X-Amzn-Trace-Id of the request; "" = none
	Function   string
	RequestID  string
	Arrived    time.Time
	Phases     []TracedPhase // in their order, one after the other from Arrived
	Fault      string        // "" = none
	Attributes map[string]string
}

// TracedPhase is a part of an invocation; those that took no time have no span.
type TracedPhase struct {
	Name string
	Took time.Duration
}

// Invoked records an invocation that has ended.
func (t *Tracer) Invoked(v *Traced) {
	ctx := trace.ContextWithRemoteSpanContext(context.Background(), parentOf(v.Header))
	ctx, whole := t.tracer.Start(ctx, "invoke "+v.Function, trace.WithTimestamp(v.Arrived), trace.WithSpanKind(trace.SpanKindServer))
	if !whole.IsRecording() {
		whole.End()
		return
	}
	whole.SetAttributes(attribute.String("faas.name", v.Function), attribute.String("faas.invocation_id", v.RequestID))
	for name, value := range v.Attributes {
		whole.SetAttributes(attribute.String(name, value))
	}
	if v.Fault != "" {
		whole.SetStatus(codes.Error, v.Fault)
	}
	whole.End(trace.WithTimestamp(t.phases(ctx, v)))
}

// phases records the parts and returns when the last ended.
func (t *Tracer) phases(ctx context.Context, v *Traced) time.Time {
	at := v.Arrived
	for _, p := range v.Phases {
		if p.Took <= 0 {
			continue
		}
		_, part := t.tracer.Start(ctx, p.Name, trace.WithTimestamp(at))
		at = at.Add(p.Took)
		part.End(trace.WithTimestamp(at))
	}
	return at
}

// parentOf reads X-Amzn-Trace-Id, "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=
// 53995c3f42cd8ad8;Sampled=1" (AWS X-Ray Developer Guide, "Tracing header"). Without a valid
// root and parent it is the zero value: a new trace begins.
func parentOf(header string) trace.SpanContext {
	var root, parent string
	var flags trace.TraceFlags
	for field := range strings.SplitSeq(header, ";") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(field), "="); name {
		case "Root":
			root = strings.ReplaceAll(strings.TrimPrefix(value, "1-"), "-", "")
		case "Parent":
			parent = value
		case "Sampled":
			flags = flags.WithSampled(value == "1")
		}
	}
	traceID, err := trace.TraceIDFromHex(root)
	if err != nil {
		return trace.SpanContext{}
	}
	spanID, err := trace.SpanIDFromHex(parent)
	if err != nil {
		return trace.SpanContext{}
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID, TraceFlags: flags, Remote: true})
}
