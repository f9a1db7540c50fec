package telemetry

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// What stands here is counted elsewhere and read when somebody asks for the metrics.

// Occupancy is what a pool of instances holds at one moment.
type Occupancy struct {
	Starting, Idle, Busy int // instances
	Frozen, Reclaimed    int // of Idle; reclaimed: their memory is in the host's swap
	Provisioned          int // of Idle and Busy, those initialised ahead of requests
	Waiting              int // invocations without an instance
	Memory               int // MiB given to instances
}

// RegisterOccupancy adds what the pool holds.
func RegisterOccupancy(reg prometheus.Registerer, now func() Occupancy) error {
	const instances = "lambent_instances"
	const help = "Execution environments by state."
	const idle, idleHelp = "lambent_idle_instances", "Idle execution environments by what is left of them: running, frozen, reclaimed."
	return errors.Join(
		reg.Register(gauge(instances, help, "starting", func() int { return now().Starting })),
		reg.Register(gauge(instances, help, "idle", func() int { return now().Idle })),
		reg.Register(gauge(instances, help, "busy", func() int { return now().Busy })),
		reg.Register(gauge(idle, idleHelp, "running", func() int { o := now(); return o.Idle - o.Frozen - o.Reclaimed })),
		reg.Register(gauge(idle, idleHelp, "frozen", func() int { return now().Frozen })),
		reg.Register(gauge(idle, idleHelp, "reclaimed", func() int { return now().Reclaimed })),
		reg.Register(gauge("lambent_provisioned_instances", "Execution environments that were initialised ahead of requests.", "", func() int { return now().Provisioned })),
		reg.Register(gauge("lambent_invokes_queued", "Invocations that wait for an instance.", "", func() int { return now().Waiting })),
		reg.Register(gauge("lambent_instance_memory_mib", "Memory given to execution environments.", "", func() int { return now().Memory })),
	)
}

func gauge(name, help, state string, value func() int) prometheus.Collector {
	o := prometheus.GaugeOpts{Name: name, Help: help}
	if state != "" {
		o.ConstLabels = prometheus.Labels{"state": state}
	}
	return prometheus.NewGaugeFunc(o, func() float64 { return float64(value()) })
}

// RegisterLogDrops adds the count of log lines that were dropped, as package logs has it.
func RegisterLogDrops(reg prometheus.Registerer, lines func() int64) error {
	return reg.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "lambent_log_lines_dropped_total", Help: "Lines of functions that were dropped for their rate, a full queue or the disk.",
	}, func() float64 { return float64(lines()) }))
}
