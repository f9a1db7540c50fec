package daemon

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/lambdaapi"
	"lambent.dev/lambent/internal/price"
	"lambent.dev/lambent/internal/receipt"
)

// priced puts what an invocation costs on its receipt. It decorates another.
type priced struct {
	lambdaapi.Invoker
	quoter *price.Quoter
}

// Invoke implements lambdaapi.Invoker. What is paid for is what Lambda bills: INIT, the
// handler and its answer.
func (p priced) Invoke(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	r, err := p.Invoker.Invoke(ctx, inv, sink)
	if err != nil || r.MemorySize == 0 {
		return r, err
	}
	took := r.Spent[receipt.Runtime] + r.Spent[receipt.Init] + r.Spent[receipt.Handler] + r.Spent[receipt.Response]
	r.Cost.Here, r.Cost.Lambda, r.Cost.Fargate = p.quoter.Quote(r.MemorySize, took)
	return r, nil
}

// openQuoter reads the prices where the configuration says what the machine costs.
func (d *Daemon) openQuoter() error {
	if d.cfg.Price.MachineMonth == 0 {
		return nil
	}
	table, err := price.Load(d.cfg.Price.Table)
	if err != nil {
		return err
	}
	d.quoter, err = table.NewQuoter(d.cfg.Price.MachineMonth, int(hostMemory()>>20))
	return err
}
