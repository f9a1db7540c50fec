package receipt_test

import (
	"testing"
	"time"

	"lambent.dev/lambent/internal/receipt"
)

func TestUsage(t *testing.T) {
	r := receipt.Receipt{MemoryPeak: 38797312, CPU: 1234 * time.Microsecond, Throttled: 5 * time.Millisecond}
	if got, want := r.Usage(), "memory=38797312, cpu=1.234, throttled=5.000"; got != want {
		t.Errorf("usage = %q, want %q", got, want)
	}
}
