package price

import (
	"fmt"
	"runtime"
	"time"
)

// A Quoter says what an invocation costs.
type Quoter struct {
	lambda  Lambda
	compute Compute
	fargate Fargate
	second  float64 // US dollars for a MB of this machine for a second
}

// hoursOfMonth is what AWS reckons a month at.
const hoursOfMonth = 730

// NewQuoter makes one for a machine of memoryMB that costs so many US dollars a month.
func (t *Table) NewQuoter(month float64, memoryMB int) (*Quoter, error) {
	architecture := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	compute, err := t.Lambda.Compute(architecture)
	if err != nil {
		return nil, fmt.Errorf("pricing invocations: %w", err)
	}
	return &Quoter{t.Lambda, compute, t.Fargate[architecture], month / hoursOfMonth / 3600 / float64(max(memoryMB, 1))}, nil
}

// Quote is what an invocation of a function of memoryMB costs that kept an instance for so
// long: here its share of the machine's memory, on Lambda with the price of a request, on
// Fargate without what stands idle there.
func (q *Quoter) Quote(memoryMB int, took time.Duration) (here, onLambda, onFargate float64) {
	billed := (took + time.Millisecond - 1).Truncate(time.Millisecond)
	return q.second * float64(memoryMB) * took.Seconds(), q.lambda.Invoke(q.compute, memoryMB, billed), q.fargate.Task(memoryMB, took)
}
