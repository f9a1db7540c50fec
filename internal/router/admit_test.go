package router

import (
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

// The tier that a version runs in is the strongest that anybody names, and one that is too weak
// refuses it.
func TestTargetsHaveTheTierInForce(t *testing.T) {
	fn := lambda.Function{
		ID: lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "fn"}, Tags: map[string]string{lambda.IsolationTag: "light"},
		Latest: lambda.Version{Version: lambda.Latest, MemorySize: 2048},
		Published: []lambda.Version{{Version: "1", MemorySize: 2048, Capacity: &lambda.Capacity{
			MaxConcurrency: 8, MemoryPerCPU: 4, Settings: map[string]string{lambda.IsolationTag: "gvisor"},
		}}},
	}
	s, err := lambda.ParseSettings(fn.Tags)
	if err != nil {
		t.Fatal(err)
	}
	set := settings{s, lambda.Isolation{Default: lambda.TierGVisor, Floor: lambda.TierGVisor}, lambda.NetworkNone}
	weak, lifted := target(&fn, &fn.Latest, set), target(&fn, &fn.Published[0], set)
	if weak.Tier != lambda.TierLight || weak.Refused == nil {
		t.Errorf("%s, %v", weak.Tier, weak.Refused)
	}
	if lifted.Tier != lambda.TierGVisor || lifted.Refused != nil || lifted.Concurrency != 8 || lifted.CPUQuota != 0.5 {
		t.Errorf("%+v", lifted)
	}
}
