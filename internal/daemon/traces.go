package daemon

import (
	"context"
	"errors"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/lambdaapi"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/telemetry"
)

// traced sends a trace of what goes through the line. It decorates another.
type traced struct {
	lambdaapi.Invoker
	tracer *telemetry.Tracer
}

// Invoke implements lambdaapi.Invoker. A dry run runs nothing and has no trace.
func (t traced) Invoke(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	r, err := t.Invoker.Invoke(ctx, inv, sink)
	if inv.Type == lambda.DryRun {
		return r, err
	}
	v := &telemetry.Traced{Header: inv.TraceID, Function: inv.Function.Name, RequestID: inv.RequestID, Arrived: inv.Arrived, Fault: r.Fault, Attributes: map[string]string{
		"faas.version": r.Version, "lambent.isolation": r.Tier.String(), "lambent.start": string(r.Start), "lambent.why": r.Why,
	}}
	if err != nil {
		v.Fault = err.Error()
	}
	for p, d := range r.Parts {
		v.Phases = append(v.Phases, telemetry.TracedPhase{Name: p.String(), Took: d})
	}
	if r.Emulated {
		v.Attributes["lambent.emulated"] = "true"
	}
	t.tracer.Invoked(v)
	return r, err
}

// openTracer makes the tracer if traces are asked for.
func (d *Daemon) openTracer(ctx context.Context) (err error) {
	if d.cfg.Traces.Endpoint == "" {
		return nil
	}
	d.tracer, err = telemetry.NewTracer(ctx, d.cfg.Traces.Endpoint, d.cfg.Traces.Share)
	return err
}

// tracesLimit bounds the wait for a collector that takes the last traces.
const tracesLimit = 5 * time.Second

var errTracesLate = errors.New("the collector did not take the last traces in time")

func (d *Daemon) closeTracer() error {
	if d.tracer == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), tracesLimit, errTracesLate)
	defer cancel()
	return d.tracer.Close(ctx)
}
