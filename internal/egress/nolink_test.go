package egress_test

import (
	"testing"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/lambda"
)

// A sandbox without a link takes a function that asks for nothing outside, and no other.
func TestNoLinkRefusesTheOutside(t *testing.T) {
	var none *egress.Link
	if err := none.Restrict(lambda.Reach{}); err != nil {
		t.Errorf("a function without tags: %v", err)
	}
	if err := none.Restrict(lambda.Reach{Only: true}); err == nil {
		t.Error("a function that may reach some of the outside was taken")
	}
}
