package router

import (
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
)

// Provisioned says what has become of a provisioned concurrency configuration at this
// moment.
func (r *Router) Provisioned(id lambda.FunctionID, qualifier string) lambda.ProvisionedState {
	return r.pool.Provisioned(id, qualifier)
}

// allocation is what a function has of the concurrency for itself.
func allocation(f *lambda.Function) Allocation {
	a := Allocation{Reserved: f.ReservedConcurrency}
	for _, p := range f.Provisions() {
		if a.Provisioned == nil {
			a.Provisioned = map[string]int{}
		}
		a.Provisioned[p.Version] += p.Executions
	}
	return a
}

func (a Allocation) empty() bool { return a.Reserved == nil && len(a.Provisioned) == 0 }

// wants is what the pool is to have initialised. A version that cannot be invoked yet
// has its turn when it can: that is a change of the function.
func (e *entry) wants(f *lambda.Function, s settings) []pool.Want {
	var all []pool.Want
	for _, p := range f.Provisions() {
		v := e.find(p.Version)
		if v == nil || v.version == lambda.Latest || invocable(v.state) != nil {
			continue
		}
		t := e.held(f, v, s)
		if t.Refused != nil {
			continue
		}
		all = append(all, pool.Want{Qualifier: p.Qualifier, Target: t, Executions: p.Executions, Asked: p.Asked})
	}
	return all
}
