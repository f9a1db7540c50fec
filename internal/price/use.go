package price

import (
	"fmt"
	"time"
)

// Compute is the prices of an architecture: x86_64 or arm64.
func (l Lambda) Compute(architecture string) (Compute, error) {
	switch architecture {
	case "x86_64":
		return l.X86, nil
	case "arm64":
		return l.Arm, nil
	}
	return Compute{}, fmt.Errorf("architecture %q is neither x86_64 nor arm64", architecture)
}

// Month is what so many GB-seconds in one month cost.
func (c Compute) Month(gbSeconds float64) (usd float64) {
	var below float64
	for _, s := range c.Duration {
		end := s.UpTo
		if end == 0 || end > gbSeconds {
			end = gbSeconds
		}
		usd += (end - below) * s.GBSecond
		if below = end; below >= gbSeconds {
			break
		}
	}
	return usd
}

// vCPU is how much memory of a function in MB comes with one vCPU: AWS Lambda Developer
// Guide, "Configure Lambda function memory".
const vCPU = 1769

// Task is what Fargate asks for a task of the size of a function while it runs.
func (f Fargate) Task(memoryMB int, took time.Duration) (usd float64) {
	return took.Hours() * (float64(memoryMB)/vCPU*f.VCPUHour + float64(memoryMB)/1024*f.GBHour)
}

// Invoke is what Lambda asks for one invocation, in the first step of its prices.
func (l Lambda) Invoke(c Compute, memoryMB int, billed time.Duration) (usd float64) {
	return l.Request + billed.Seconds()*float64(memoryMB)/1024*c.Duration[0].GBSecond
}
