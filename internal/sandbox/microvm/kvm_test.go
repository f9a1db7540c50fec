package microvm

import (
	"testing"
	"time"
)

// Whatever this machine has, the trial is short, says why not, and can be repeated.
func TestTrialOfKVMIsShort(t *testing.T) {
	began := time.Now()
	first := tryKVM()
	t.Logf("KVM: %v, in %v", first, time.Since(began))
	if second := tryKVM(); (first == nil) != (second == nil) {
		t.Errorf("first %v, then %v", first, second)
	}
	if took := time.Since(began); took > 4*trialLimit {
		t.Errorf("it took %v", took)
	}
}
