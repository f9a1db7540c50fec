package microvm

// platform is what QEMU runs guests of a kind of processor on.
type platform struct {
	machine      string // with as few devices as it can have
	emulated     string // the processor where it is emulated
	emulatedLine string // of the kernel's command line there: what mitigates faults of real processors is for those
}

func (q qemu) platform() platform {
	if q.arch == "arm64" {
		return virt()
	}
	return pc()
}

// pc is what amd64 runs on. Its emulated processor is the one that QEMU emulates fastest and that
// Debian's programs and Go's run on.
func pc() platform {
	return platform{
		machine:      "q35,usb=off,vmport=off,sata=off,smbus=off,i8042=off,hpet=off,graphics=off",
		emulated:     "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+rdrand",
		emulatedLine: " mitigations=off nokaslr noreplace-smp no_timer_check tsc=reliable",
	}
}

// virt is what arm64 runs on, QEMU's own machine: with the newest interrupt controller that there
// is, and a processor that signs no pointers, which would be slow to emulate.
func virt() platform {
	return platform{
		machine:      "virt,gic-version=max",
		emulated:     "cortex-a72",
		emulatedLine: " mitigations=off nokaslr",
	}
}
