package storetest

import (
	"strconv"
	"testing"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// claiming is a function that reserves concurrency, none below 0, and has some provisioned.
func claiming(name string, reserved int, provisioned ...int) lambda.Function {
	fn := filled(name)
	fn.ReservedConcurrency, fn.Provisioned = nil, map[string]lambda.ProvisionedConfig{}
	if reserved >= 0 {
		fn.ReservedConcurrency = &reserved
	}
	for i, executions := range provisioned {
		fn.Provisioned[strconv.Itoa(i)] = lambda.ProvisionedConfig{Executions: executions}
	}
	return fn
}

// What is provisioned is a part of what is reserved.
func testUsage(t *testing.T, place Place) {
	s, id := open(t, place), ID("both")
	far, foreign := claiming("far", 1000), claiming("foreign", 2000)
	far.ID.Region, foreign.ID.Account = "us-east-1", "999999999999"
	wantUsage(t, s, id, 0, 0)
	create(t, s, claiming("both", 30, 4, 5), claiming("provisioned", -1, 6, 70), claiming("nothing", 0), claiming("none", -1), far, foreign)
	wantUsage(t, s, id, 4, 30+76)
	wantUsage(t, s, far.ID, 1, 1000)
	wantUsage(t, s, foreign.ID, 1, 2000)
	if _, err := s.UpdateFunction(t.Context(), id, func(fn *lambda.Function) error {
		fn.ReservedConcurrency = nil
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, s, id, 4, 9+76)
	if err := s.DeleteFunction(t.Context(), ID("provisioned")); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, s, id, 3, 9)
}

func wantUsage(t *testing.T, s store.Store, id lambda.FunctionID, functions, claimed int) {
	t.Helper()
	gotFunctions, gotClaimed, err := s.Usage(t.Context(), id.Account, id.Region)
	if err != nil || gotFunctions != functions || gotClaimed != claimed {
		t.Errorf("%s in %s: %d functions claim %d, %v, want %d and %d", id.Account, id.Region, gotFunctions, gotClaimed, err, functions, claimed)
	}
}
