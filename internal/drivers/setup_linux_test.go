package drivers_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/drivers"
	"lambent.dev/lambent/internal/sandbox/microvm"
)

// Where KVM runs no guests nothing is fetched, and it is said why; elsewhere one that cannot be
// fetched is an error that says what to do.
func TestFirecrackerIsInstalledWhereItRuns(t *testing.T) {
	const nowhere = "http://127.0.0.1:1"
	dir := filepath.Join(t.TempDir(), "microvm")
	var said strings.Builder
	err := drivers.InstallFirecracker(t.Context(), nowhere, dir, &said)
	if kvm := microvm.TryKVM(); kvm != nil {
		if err != nil || !strings.Contains(said.String(), kvm.Error()) || strings.Contains(said.String(), nowhere) {
			t.Errorf("without KVM: %v, said %q", err, &said)
		}
	} else if err == nil || !strings.Contains(err.Error(), "--firecracker-from") {
		t.Errorf("with KVM: %v, said %q", err, &said)
	}
	if _, err := os.Stat(filepath.Join(dir, "firecracker")); err == nil {
		t.Error("a program was made of nothing")
	}
}
