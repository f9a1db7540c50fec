package microvm

import (
	"os"
	"syscall"
	"time"
)

// kvmDevice is the kernel's door to the processor's virtualisation.
const kvmDevice = "/dev/kvm"

// trialLimit bounds each program of a trial.
const trialLimit = 2 * time.Second

// kvmFinding says what was found about it.
type kvmFinding struct {
	usable bool
	found  string
}

// kind names by what guests are isolated.
func (f kvmFinding) kind() string {
	if f.usable {
		return "KVM"
	}
	return "software emulation"
}

// Emulates implements sandbox.Emulator.
func (d *Driver) Emulates() bool { return !d.usableKVM().usable }

// usableKVM says, once for a driver, whether KVM really runs guests here. That the device is
// there and opens says little: some nested machines have one that interprets what a guest does.
func (d *Driver) usableKVM() kvmFinding {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kvm == nil {
		found := kvmFinding{usable: true, found: "a trial program ran on the processor"}
		if err := tryKVM(); err != nil {
			found = kvmFinding{found: err.Error()}
		}
		d.kvm = &found
	}
	return *d.kvm
}

// monitorGroup is the group of monitors: the one that may open the device, where it is used.
func (t *template) monitorGroup() uint32 {
	info, err := os.Stat(kvmDevice)
	if !t.kvm || err != nil {
		return monitorID
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return monitorID
	}
	return stat.Gid
}

// TryKVM is nil where KVM really runs guests; else it says what is wrong. It takes some ms.
func TryKVM() error { return tryKVM() }
