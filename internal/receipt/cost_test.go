package receipt_test

import (
	"testing"

	"lambent.dev/lambent/internal/receipt"
)

func TestCostSurvivesItsHeader(t *testing.T) {
	want := receipt.Cost{Here: 1.2e-8, Lambda: 4.08333e-7, Fargate: 9.8e-8}
	got, err := receipt.ParseCost(want.String())
	if err != nil || got.String() != want.String() || got.Here != want.Here {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := receipt.ParseCost(""); err != nil || got != (receipt.Cost{}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := receipt.ParseCost("here=much"); err == nil {
		t.Error("no error")
	}
}
