package microvm

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/microvm/firecracker"
)

// Monitor names the program that runs guests.
type Monitor string

// Auto is Firecracker where it is there and KVM runs guests, else QEMU. What is asked for by name
// and is not there makes the tier unavailable: nothing is put in its place.
const (
	Auto        Monitor = "auto"
	QEMU        Monitor = "qemu"
	Firecracker Monitor = "firecracker"
)

// Monitors lists them.
func Monitors() []Monitor { return []Monitor{Auto, QEMU, Firecracker} }

// firecrackerFolders are where Firecracker is looked for: with the images, then where
// administrators put programs.
func (d *Driver) firecrackerFolders() []string {
	return append(append([]string{}, d.options.Images...), "/usr/local/bin", "/usr/bin")
}

// monitorFinding says what was found about Firecracker.
type monitorFinding struct {
	programs firecracker.Programs
	err      error
}

// foundFirecracker looks for it once for a driver.
func (d *Driver) foundFirecracker(ctx context.Context) monitorFinding {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.firecracker == nil {
		programs, err := firecracker.Find(ctx, d.firecrackerFolders())
		d.firecracker = &monitorFinding{programs, err}
	}
	return *d.firecracker
}

// chosen is the monitor of this host: never Auto.
func (d *Driver) chosen(ctx context.Context) Monitor {
	if d.options.Monitor != Auto {
		return d.options.Monitor
	}
	if d.foundFirecracker(ctx).err == nil && d.usableKVM().usable {
		return Firecracker
	}
	return QEMU
}

// monitorFor returns the monitor of guests.
func (d *Driver) monitorFor(ctx context.Context) (vmm, error) {
	if d.chosen(ctx) == QEMU {
		return qemu{runtime.GOARCH}, nil
	}
	found := d.foundFirecracker(ctx)
	if found.err != nil {
		return nil, fmt.Errorf("%w: %w", sandbox.ErrUnavailable, found.err)
	}
	if kvm := d.usableKVM(); !kvm.usable {
		return nil, fmt.Errorf("%w: Firecracker needs KVM: %s", sandbox.ErrUnavailable, kvm.found)
	}
	return &firecrackerVMM{
		programs: found.programs, jails: filepath.Join(d.home(), "jails"), shelf: &shelf{filepath.Join(d.options.Cache, shelfFolder)},
	}, nil
}
