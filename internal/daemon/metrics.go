package daemon

import (
	"context"
	"errors"
	"time"

	"lambent.dev/lambent/internal/control"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/lambdaapi"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/slowest"
	"lambent.dev/lambent/internal/telemetry"
)

// openMetrics makes the registry and joins what others count to it.
func (d *Daemon) openMetrics() error {
	d.registry = telemetry.NewRegistry()
	var err error
	if d.metrics, err = telemetry.NewMetrics(d.registry); err != nil {
		return err
	}
	return errors.Join(
		telemetry.RegisterOccupancy(d.registry, d.occupancy),
		telemetry.RegisterLogDrops(d.registry, func() int64 { return d.parts.logs.Stats().DroppedLines }),
		telemetry.RegisterEvents(d.registry, d.eventCounts),
		telemetry.RegisterStems(d.registry, d.stemCounts),
	)
}

func (d *Daemon) occupancy() telemetry.Occupancy {
	s := d.pool.Stats()
	return telemetry.Occupancy{Starting: s.Starting, Idle: s.Idle, Busy: s.Busy, Provisioned: s.Provisioned, Frozen: s.Frozen, Reclaimed: s.Reclaimed, Waiting: s.Waiting, Memory: s.Memory}
}

// metered counts what goes through the line and shows it to those who watch. It decorates
// the router.
type metered struct {
	lambdaapi.Invoker
	metrics  *telemetry.Metrics
	receipts *control.Receipts
	slowest  *slowest.List
}

func (d *Daemon) metered() metered {
	return metered{d.router, d.metrics, &d.receipts, d.slowest}
}

// line is what the API and events invoke: the router, counted and traced.
func (d *Daemon) line() lambdaapi.Invoker {
	var line lambdaapi.Invoker = d.metered()
	if d.quoter != nil {
		line = priced{line, d.quoter}
	}
	if d.tracer != nil {
		line = traced{line, d.tracer}
	}
	return line
}

// Invoke implements lambdaapi.Invoker. A dry run runs nothing and is not counted.
func (m metered) Invoke(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	if inv.Type == lambda.DryRun {
		return m.Invoker.Invoke(ctx, inv, sink)
	}
	r, err := m.Invoker.Invoke(ctx, inv, sink)
	m.receipts.Publish(inv.Function, r)
	if err == nil {
		m.slowest.Offer(inv.Function, &r)
	}
	m.metrics.Invoked(r.Tier, string(r.Start), outcome(err, r.Fault))
	var refused *lambda.Error
	if errors.As(err, &refused) && refused.Kind == lambda.ErrTooManyRequests {
		m.metrics.Throttle(refused.Reason)
	}
	m.spent(&r)
	return r, err
}

// spent counts where the time of one invocation went, and why it was not warm.
func (m metered) spent(r *receipt.Receipt) {
	if r.Why != "" {
		m.metrics.Started(r.Tier, string(r.Start), pool.Cause(r.Why))
	}
	if !r.Emulated { // what an emulator takes is no isolation's cost
		m.metrics.Tax(r.Tier, tax(r))
	}
	for p, d := range r.Parts {
		m.metrics.Phase(r.Tier, p.String(), d)
	}
	for part, d := range r.Used.Times {
		m.metrics.Used(r.Tier, part, d)
	}
	if r.Used.Faults.Known {
		m.metrics.Faults(r.Tier, r.Used.Faults.Value, r.Used.MajorFaults.Value)
	}
}

// tax is what the isolation took of an invocation: all that is neither the function's own code
// nor its answer, and not the wait for a permit or a free instance either, which any would cost.
func tax(r *receipt.Receipt) time.Duration {
	return r.Wall() - r.Spent[receipt.Queue] - r.Spent[receipt.Init] - r.Spent[receipt.Handler] - r.Spent[receipt.Response]
}

func outcome(err error, fault string) telemetry.Outcome {
	var e *lambda.Error
	switch {
	case errors.As(err, &e) && e.Kind == lambda.ErrTooManyRequests:
		return telemetry.Throttled
	case errors.As(err, &e) && e.Kind.Status < 500:
		return telemetry.Refused
	case err != nil:
		return telemetry.Failed
	case fault == "":
		return telemetry.Succeeded
	}
	return outcomeOfFault(fault)
}

func outcomeOfFault(kind string) telemetry.Outcome {
	switch kind {
	case "Sandbox.Timedout":
		return telemetry.TimedOut
	case "Runtime.ExitError", "Runtime.OutOfMemory":
		return telemetry.Crashed
	}
	return telemetry.FunctionError
}
