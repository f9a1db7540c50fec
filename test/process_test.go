package test

import (
	"slices"
	"testing"
)

// TestScriptsInProcess runs scripts where functions have no isolation unless they name one: of
// make soak.
func TestScriptsInProcess(t *testing.T) {
	if !soaks() {
		t.Skip("SOAK_GUESTS says that there are minutes for it: make soak")
	}
	runScripts(t, "process", bin, slices.Concat(inEveryTier, inEveryTierAtLength))
}
