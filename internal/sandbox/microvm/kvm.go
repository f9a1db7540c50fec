package microvm

// kvmDevice is the kernel's door to the processor's virtualisation.
const kvmDevice = "/dev/kvm"

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

// usableKVM says, once for a driver, whether KVM really runs guests here.
func (d *Driver) usableKVM() kvmFinding {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kvm == nil {
		found := probeKVM()
		d.kvm = &found
	}
	return *d.kvm
}

func probeKVM() kvmFinding { return kvmFinding{found: "not tried"} }

// monitorGroup is the group of monitors: the one that may open the device.
func (t *template) monitorGroup() uint32 { return monitorID }
