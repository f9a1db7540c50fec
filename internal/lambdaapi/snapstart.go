package lambdaapi

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/lambda"
)

// snapshotters is how many functions have versions initialised at once: a slow one holds
// up few others. How many sandboxes start at once is the pool's.
const snapshotters = 8

// checkSnapStart refuses what cannot have SnapStart. Source: AWS Lambda Developer Guide,
// "Improving startup performance with Lambda SnapStart"; the first text as the service
// answers. AWS offers it from Python 3.12 on; here any Python has it.
func checkSnapStart(fn *lambda.Function, v *lambda.Version) error {
	if v.SnapStart != lambda.SnapStartVersions {
		return nil
	}
	if !strings.HasPrefix(v.Runtime, "python") {
		return invalid("%s is not supported for SnapStart enabled functions.", v.Runtime)
	}
	if v.TmpSize > lambda.MaxSnapStartTmp {
		return invalid("SnapStart is not supported with an EphemeralStorage of more than %d MB.", lambda.MaxSnapStartTmp)
	}
	if v.Capacity != nil {
		return invalid("SnapStart is not supported for functions with CapacityProviderConfig.")
	}
	if err := refuseTenancy(v, "SnapStart"); err != nil {
		return err
	}
	return checkSnapStartTags(fn.Tags)
}

// checkSnapStartTags refuses several requests at once in one instance, which on AWS too
// leave no room for SnapStart.
func checkSnapStartTags(tags map[string]string) error {
	settings, err := lambda.ParseSettings(tags)
	if err == nil && settings.Concurrency > 1 {
		return invalid("SnapStart is not supported for functions with %s above 1.", lambda.ConcurrencyTag)
	}
	return nil // a bad tag has its own error
}

// checkSnapStarted refuses tags of a function that has SnapStart in any version.
func checkSnapStarted(fn *lambda.Function) (err error) {
	fn.Each(func(v *lambda.Version) {
		if v.SnapStart == lambda.SnapStartVersions {
			err = checkSnapStartTags(fn.Tags)
		}
	})
	return err
}

// checkNotSnapStarted refuses provisioned concurrency of a version with SnapStart.
func checkNotSnapStarted(v *lambda.Version) error {
	if v.SnapStarts() {
		return invalid("Provisioned Concurrency is not supported for SnapStart enabled functions.")
	}
	return nil
}

// runSnapshotters initialises what was published with SnapStart, until ctx ends.
func (s *Server) runSnapshotters(ctx context.Context, workers *errgroup.Group) {
	for range snapshotters {
		workers.Go(func() error {
			s.work(ctx, s.snapshots, s.optimize)
			return nil
		})
	}
}

// optimize initialises the versions of a function that wait for it, and says in the store and
// the directory what became of them.
func (s *Server) optimize(ctx context.Context, id lambda.FunctionID) error {
	fn, err := s.Store.Function(ctx, id)
	if isMissing(err) {
		return nil
	}
	if err != nil || unready(&fn.Latest) { // then its activation comes back to it
		return err
	}
	for i := range fn.Published {
		v := &fn.Published[i]
		if !v.SnapStarts() || v.State != "Pending" {
			continue
		}
		if err := s.optimizeVersion(ctx, &fn, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) optimizeVersion(ctx context.Context, fn *lambda.Function, v *lambda.Version) error {
	o, err := initOutcome(s.Snapshotter.Snapshot(ctx, fn, v.Version))
	if err != nil {
		return err
	}
	_, err = s.change(ctx, fn.ID, func(now *lambda.Function) error {
		stored := now.Find(v.Version)
		if stored == nil || stored.State != "Pending" {
			return nil
		}
		if stored.Generation != v.Generation { // its tags were changed meanwhile
			s.snapshots.add(fn.ID)
			return nil
		}
		o.create(stored)
		return nil
	})
	if isMissing(err) {
		return nil
	}
	return err
}

// initOutcome is what an initialisation says of a version; an error is the platform's, and
// it is tried again.
func initOutcome(err error) (outcome, error) {
	var failed *lambda.InitFailure
	var refused *lambda.Error
	switch {
	case errors.As(err, &failed):
		return outcome{"The function's initialization failed (" + failed.Type + "). Its log says why.", initFailureCode(failed.Type)}, nil
	case errors.As(err, &refused) && refused.Kind == lambda.ErrResourceNotFound: // it was deleted
		return outcome{}, nil
	case errors.As(err, &refused):
		return outcome{refused.Message, "InternalError"}, nil
	}
	return outcome{}, err
}

// initFailureCode is the StateReasonCode of an initialisation that failed. Source: AWS
// Lambda API reference, FunctionConfiguration.
func initFailureCode(errorType string) string {
	switch errorType {
	case "Sandbox.Timedout":
		return "FunctionError.InitTimeout"
	case "Runtime.OutOfMemory":
		return "FunctionError.InitResourceExhausted"
	case "Runtime.InvalidEntrypoint":
		return "FunctionError.InvalidEntryPoint"
	}
	return "FunctionError.RuntimeInitError"
}
