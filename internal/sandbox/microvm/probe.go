package microvm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/hostcheck"
	"lambent.dev/lambent/internal/sandbox/microvm/firecracker"
	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// Probe implements sandbox.Driver. Where nothing is missing it also makes a sandbox and closes
// it: only that tells whether guests run here.
func (d *Driver) Probe(ctx context.Context) (sandbox.Features, error) {
	f := sandbox.Features{Tier: lambda.TierMicroVM, LateBind: true, Freeze: true, Emulated: d.Emulates()}
	for _, checks := range []func() []sandbox.Check{d.basics, func() []sandbox.Check { return d.monitors(ctx) }, d.cgroups, d.volumes} {
		f.Checks = append(f.Checks, checks()...)
	}
	if err := sandbox.Missing(lambda.TierMicroVM, f.Checks); err != nil {
		return f, err
	}
	f.Checks = append(f.Checks, d.trial(ctx))
	return f, sandbox.Missing(lambda.TierMicroVM, f.Checks)
}

const neededFirecracker = "its program and jailer, and KVM that runs guests"

const setupFix = "run `lambent setup microvm`"

func (d *Driver) basics() []sandbox.Check {
	set, err := d.findImages()
	images := "a folder with those of this Lambent"
	if err == nil {
		images = filepath.Dir(set.Kernel)
	}
	return []sandbox.Check{
		hostcheck.Root("run lambent as root"),
		sandbox.Need("guest kernel and images", images, err, setupFix),
		hostcheck.Program("lambent-agent", d.options.Agent, 0o100, "build it with make build; it must be executable"),
		d.checkKVM(),
	}
}

// monitors says which program runs guests.
func (d *Driver) monitors(ctx context.Context) []sandbox.Check {
	const fix = setupFix + ", which installs it, or put firecracker and jailer of one of its releases (1.10 or later) into /usr/local/bin"
	found, kvm := d.foundFirecracker(ctx), d.usableKVM()
	if d.chosen(ctx) == Firecracker {
		program := neededFirecracker
		if found.err == nil {
			program = found.programs.Firecracker + " " + found.programs.Version
		}
		checks := append([]sandbox.Check{sandbox.Need("Firecracker", program, found.err, fix)}, aged(found.programs)...)
		if !kvm.usable {
			checks = append(checks, sandbox.Need("KVM for Firecracker", "a /dev/kvm that runs guests", errors.New(kvm.found), "use a machine with hardware virtualisation, or set microvm-monitor to qemu"))
		}
		return checks
	}
	program := image.QEMU(runtime.GOARCH)
	_, err := os.Stat(program)
	checks := []sandbox.Check{sandbox.Need("QEMU", program, err, setupFix+", which installs it")}
	switch {
	case d.options.Monitor == QEMU:
	case found.err != nil:
		checks = append(checks, sandbox.Check{Name: "Firecracker", Found: found.err.Error(), Needed: neededFirecracker, Fix: "QEMU runs guests; to have Firecracker do it where KVM does, " + fix})
	case !kvm.usable:
		checks = append(checks, sandbox.Check{Name: "Firecracker", Found: found.programs.Firecracker + " " + found.programs.Version + " needs KVM", Needed: neededFirecracker, Fix: "QEMU runs guests"})
	}
	return checks
}

// aged warns of Firecracker before the release that was looked into: it may have holes that are mended there.
func aged(p firecracker.Programs) []sandbox.Check {
	pinned, err := firecracker.Pinned()
	if err != nil || p.Version == "" || !p.Older(pinned.Version) {
		return nil
	}
	return []sandbox.Check{{
		Name: "Firecracker's release", Found: p.Version + ", which may have holes that were mended since",
		Needed: pinned.Version + " or later", Fix: setupFix + ", whose release goes before others",
	}}
}

// checkKVM says by what guests are isolated.
func (d *Driver) checkKVM() sandbox.Check {
	found := d.usableKVM()
	c := sandbox.Check{Name: "KVM", Found: found.found, OK: found.usable}
	if !c.OK {
		c.Needed = "a /dev/kvm that runs guests"
		c.Fix = "guests run in software emulation, many times slower: use a machine, or a virtual machine, with hardware virtualisation"
	}
	return c
}

// cgroups are asked for without the freezer: the monitor pauses guests.
func (d *Driver) cgroups() []sandbox.Check {
	return hostcheck.Cgroups(d.options.CgroupRoot, func(name string) bool { return !strings.Contains(name, "freez") })
}

// volumes are asked for without loop devices: guests have drives.
func (d *Driver) volumes() []sandbox.Check {
	return hostcheck.Volumes(filepath.Join(d.options.Dir, tmpFolder), func(name string) bool { return !strings.Contains(name, "loop") })
}

// trial makes a sandbox with a workload and closes it.
func (d *Driver) trial(ctx context.Context) sandbox.Check {
	return sandbox.Need("trial sandbox", "a guest was made, bound and closed: "+d.usableKVM().kind(), hostcheck.Try(ctx, d), "the step that failed is named")
}
