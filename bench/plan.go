package bench

import (
	"context"
	"time"
)

// groupPlan is one group of a run.
type groupPlan struct {
	name, title string
	share       float64 // of the run's time; seconds in one of about thirteen minutes
	method      string
	run         func(context.Context, *session, time.Duration) ([]Row, error)
}

func (g groupPlan) group() Group { return Group{Name: g.name, Title: g.title, Method: g.method} }

// plan is all that is measured, in order.
func plan() []groupPlan {
	return []groupPlan{
		{"cold", "Cold starts, flat out", 220, methodCold, coldFlat},
		{"idle", "Cold starts, one every few seconds", 170, methodIdle, coldIdle},
		{"rate", "Cold starts at fixed rates", 40, methodRate, coldRates},
		{"burst", "Many cold starts at once", 35, methodBurst, bursts},
		{"sandbox", "Sandboxes made and destroyed", 10, methodSandbox, sandboxes},
		{"warm", "Warm requests", 25, methodWarm, warm},
		{"throughput", "Throughput, 16 connections", 25, methodThroughput, throughput},
		{"tail", "The tail at half the maximum rate", 110, methodTail, tail},
		{"neighbour", "Beside noisy neighbours", 32, methodNeighbour, neighbours},
		{"limits", "Reserved concurrency", 8, methodLimits, limits},
		{"memory", "Memory", 15, methodMemory, memory},
		{"tiers", "The same function in every isolation", 60, methodTiers, tiers},
		{"isolation", "What isolation adds to a start", 60, methodIsolation, isolations},
		{"workloads", "The field's usual functions", 40, methodWorkloads, fieldWorkloads},
	}
}

// TotalFor is the Options.Total with which a group lasts for d.
func TotalFor(group string, d time.Duration) time.Duration {
	for _, g := range plan() {
		if g.name == group {
			return time.Duration(float64(d) * shares(plan()) / g.share)
		}
	}
	return d
}
