package router_test

import (
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

func TestAliasRunsItsVersion(t *testing.T) {
	l := newLine(t, 10)
	fn := function(f, 1, "1", "2")
	fn.Aliases = []lambda.Alias{{Name: "live", Version: "1"}, {Name: "new", Version: lambda.Latest}, {Name: "lost", Version: "9"}}
	l.put(t, fn)
	for alias, version := range map[string]string{"live": "1", "new": lambda.Latest} {
		if _, rec, err := l.call(f, alias); err != nil || rec.Version != version {
			t.Errorf("%s ran %s, %v", alias, rec.Version, err)
		}
	}
	_, _, err := l.call(f, "lost")
	wantError(t, err, lambda.ErrResourceNotFound, "Function not found: arn:aws:lambda:us-east-1:111111111111:function:f:lost", "")
	fn.Aliases = []lambda.Alias{{Name: "live", Version: "2"}}
	l.put(t, fn)
	if _, rec, err := l.call(f, "live"); err != nil || rec.Version != "2" {
		t.Errorf("the moved alias ran %s, %v", rec.Version, err)
	}
}

// Of 20,000 throws at 0.3 the share is off by 0.02 once in 10^9 runs.
func TestWeightsSplitInvocations(t *testing.T) {
	l := newLine(t, 10)
	fn := function(f, 1, "1", "2")
	const throws = 20_000
	for _, tt := range []struct{ weight, least, most float64 }{{0, 0, 0}, {0.3, 0.28, 0.32}, {1, 1, 1}} {
		fn.Aliases = []lambda.Alias{{Name: "live", Version: "1", Weights: map[string]float64{"2": tt.weight}}}
		l.put(t, fn)
		second := 0
		for range throws {
			target, err := l.Resolve(t.Context(), f, "live")
			if err != nil {
				t.Fatal(err)
			}
			if target.Version.Version == "2" {
				second++
			}
		}
		if share := float64(second) / throws; share < tt.least || share > tt.most {
			t.Errorf("weight %g: share %g", tt.weight, share)
		}
	}
}

// An update that is in progress or failed does not reach invocations, nor does it end
// the instances of what serves.
func TestUpdateInProgressKeepsServing(t *testing.T) {
	l := newLine(t, 10)
	fn := function(f, 1)
	l.put(t, fn)
	if _, _, err := l.call(f, ""); err != nil {
		t.Fatal(err)
	}
	serving := fn.Latest
	fn.Serving, fn.Latest.Generation, fn.Latest.LastUpdateStatus = &serving, 2, "InProgress"
	l.put(t, fn)
	if target, err := l.Resolve(t.Context(), f, ""); err != nil || target.Version.Generation != 1 {
		t.Errorf("%+v, %v", target, err)
	}
	if _, rec, err := l.call(f, ""); err != nil || rec.Start != "warm" {
		t.Errorf("started %s, %v", rec.Start, err)
	}
	fn.Serving = nil
	l.put(t, fn)
	if _, rec, err := l.call(f, ""); err != nil || rec.Start == "warm" {
		t.Errorf("started %s, %v", rec.Start, err)
	}
}
