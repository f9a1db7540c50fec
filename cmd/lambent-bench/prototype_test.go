package main

import (
	"errors"
	"strings"
	"testing"
)

// A function that ends is said, with how: nobody would answer what is asked.
func TestPrototypeEndsWithItsFunction(t *testing.T) {
	err := prototype(t.Context(), freeAddress(t), []string{"sh", "-c", "exit 3"})
	if !errors.Is(err, errFunctionEnded) || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("prototype: %v", err)
	}
}
