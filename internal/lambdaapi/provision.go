package lambdaapi

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
)

// Provision sets how many executions of a published version or an alias are kept
// initialised, above 0. It is what PutProvisionedConcurrencyConfig does, for whoever
// changes the number without a request: a schedule needs no more than this and
// Unprovision. Its errors are the API's.
func (s *Server) Provision(ctx context.Context, id lambda.FunctionID, qualifier string, executions int) (lambda.ProvisionedConfig, error) {
	s.reserving.Lock() // from the sum of all claims to this one
	defer s.reserving.Unlock()
	_, claimed, err := s.Store.Usage(ctx, id.Account, id.Region)
	if err != nil {
		return lambda.ProvisionedConfig{}, err
	}
	limit := s.rule(id.Account).Concurrency
	n, config := named{id, qualifier}, lambda.ProvisionedConfig{Executions: executions, LastModified: modifiedNow()}
	_, err = s.change(ctx, id, func(fn *lambda.Function) error {
		if err := checkProvisionable(fn, n); err != nil {
			return err
		}
		if err := checkProvisioned(fn, n, executions, limit, limit-claimed); err != nil {
			return err
		}
		if fn.Provisioned == nil {
			fn.Provisioned = map[string]lambda.ProvisionedConfig{}
		}
		fn.Provisioned[qualifier] = config
		fn.Find(qualifier).RevisionID = newRevision() // the version's, also by way of an alias: recorded
		return nil
	})
	if isMissing(err) {
		err = errNothingNamed(n)
	}
	return config, err
}

// Unprovision takes a configuration away; one that is not there is as good as that.
func (s *Server) Unprovision(ctx context.Context, id lambda.FunctionID, qualifier string) error {
	_, err := s.change(ctx, id, func(fn *lambda.Function) error {
		unprovision(fn, qualifier)
		return nil
	})
	if isMissing(err) {
		return errNothingNamed(named{id, qualifier})
	}
	return err
}

// unprovision leaves no empty map, which would be another state than none.
func unprovision(fn *lambda.Function, qualifier string) {
	delete(fn.Provisioned, qualifier)
	if len(fn.Provisioned) == 0 {
		fn.Provisioned = nil
	}
}

func errUnpublished() error {
	return invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
}

// checkProvisionable refuses what cannot have provisioned concurrency: what is not there
// or not published, an alias of two versions, and a second configuration that a version
// would have by way of an alias. Texts as the service answers.
func checkProvisionable(fn *lambda.Function, n named) error {
	v := fn.Find(n.qualifier)
	if v == nil {
		return errNothingNamed(n)
	}
	if err := refuseTenancy(v, "Provisioned Concurrency"); err != nil {
		return err
	}
	if v.State == "Failed" {
		return lambda.NewError(lambda.ErrResourceConflict,
			"The operation cannot be performed at this time. The function is currently in the following state: %s", v.State)
	}
	if err := checkNotSnapStarted(v); err != nil {
		return err
	}
	alias := fn.Alias(n.qualifier)
	if alias == nil {
		return checkPointedAt(fn, n.qualifier)
	}
	if len(alias.Weights) > 0 {
		return invalid("Invalid alias configuration for Provisioned Concurrency")
	}
	return checkProvisionedAlias(fn, alias)
}

func checkPointedAt(fn *lambda.Function, version string) error {
	for _, name := range aliasesOf(fn, version) {
		if _, ok := fn.Provisioned[name]; ok {
			return lambda.NewError(lambda.ErrResourceConflict, "Version is pointed by a Provisioned Concurrency alias")
		}
	}
	return nil
}

// checkProvisionedAlias holds what the versions of an alias with provisioned concurrency
// must be, also after it was moved.
func checkProvisionedAlias(fn *lambda.Function, alias *lambda.Alias) error {
	if alias.Version == lambda.Latest {
		return errUnpublished()
	}
	for i := range fn.Published {
		if v := &fn.Published[i]; alias.Routes(v.Version) {
			if err := checkNotSnapStarted(v); err != nil {
				return err
			}
		}
	}
	for version := range fn.Provisioned {
		if alias.Routes(version) {
			return lambda.NewError(lambda.ErrResourceConflict,
				"Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
		}
	}
	return nil
}

// checkProvisioned holds the number against the function's reservation or, without one,
// against what all functions share. limit is the account's concurrency, unclaimed what
// no function has for itself.
func checkProvisioned(fn *lambda.Function, n named, executions, limit, unclaimed int) error {
	if fn.ReservedConcurrency != nil {
		if fn.ProvisionedTotal(n.qualifier)+executions > *fn.ReservedConcurrency {
			return invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
		}
		return nil
	}
	own := fn.Provisioned[n.qualifier].Executions
	switch {
	case executions <= own:
		return nil
	case executions > limit:
		return invalid("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", limit)
	case executions > unclaimed+own-minUnreserved:
		return invalid("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
	}
	return nil
}
