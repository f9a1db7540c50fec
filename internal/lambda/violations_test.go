package lambda

import (
	"strings"
	"testing"
)

func TestViolationsCount(t *testing.T) {
	var v Violations
	if v.Err() != nil {
		t.Fatal("the empty list is an error")
	}
	v.OneOf("architectures", "mips", "x86_64", "arm64")
	if got, want := message(v.Err()), "1 validation error detected: Value 'mips' at 'architectures' failed to satisfy constraint: Member must satisfy enum value set: [x86_64, arm64]"; got != want {
		t.Errorf("got %s", got)
	}
	v.Missing("role")
	v.Range("timeout", 901, 1, 900)
	v.Range("timeout", 0, 1, 900)
	want := "4 validation errors detected: Value 'mips' at 'architectures' failed to satisfy constraint: Member must satisfy enum value set: [x86_64, arm64]; " +
		"Value null at 'role' failed to satisfy constraint: Member must not be null; " +
		"Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900; " +
		"Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1"
	if got := message(v.Err()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestViolationsAreBounded(t *testing.T) {
	var v Violations
	for range 1000 {
		v.Add("field", strings.Repeat("x", 1<<20), "none")
	}
	if n := len(message(v.Err())); n > maxShownAll+1024 {
		t.Errorf("%d bytes", n)
	}
}
