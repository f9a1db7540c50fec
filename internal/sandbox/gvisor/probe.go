package gvisor

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/gvisor/runsc"
	"lambent.dev/lambent/internal/sandbox/hostcheck"
)

// Probe implements sandbox.Driver. Where nothing is missing it also makes a sandbox and closes
// it, within startLimit: only that tells whether systrap works here.
func (d *Driver) Probe(ctx context.Context) (sandbox.Features, error) {
	f := sandbox.Features{Tier: lambda.TierGVisor, LateBind: true, Freeze: true}
	for _, checks := range []func() []sandbox.Check{d.basics, d.cgroups, d.volumes} {
		f.Checks = append(f.Checks, checks()...)
	}
	if err := sandbox.Missing(lambda.TierGVisor, f.Checks); err != nil {
		return f, err
	}
	f.Checks = append(f.Checks, d.trial(ctx))
	return f, sandbox.Missing(lambda.TierGVisor, f.Checks)
}

func (d *Driver) basics() []sandbox.Check {
	path, err := d.findRunsc()
	return []sandbox.Check{
		hostcheck.Root("run lambent as root: control groups, /tmp volumes and mounts of code need it, gVisor itself does not"),
		sandbox.Need("runsc", cmp.Or(path, "version "+runsc.Version), err, "run `lambent setup gvisor`, which builds it"),
		hostcheck.Program("lambent-agent", d.options.Agent, 0o100, "build it with make build; it must be executable"),
		hostcheck.ClonedMounts(),
	}
}

// cgroups are asked for without the freezer: processes are stopped inside.
func (d *Driver) cgroups() []sandbox.Check {
	return hostcheck.Cgroups(d.options.CgroupRoot, func(name string) bool { return !strings.Contains(name, "freez") })
}

func (d *Driver) volumes() []sandbox.Check {
	return hostcheck.Volumes(filepath.Join(d.options.Dir, tmpFolder), hostcheck.All)
}

// trial makes a sandbox with a workload and closes it.
func (d *Driver) trial(ctx context.Context) sandbox.Check {
	return sandbox.Need("trial sandbox", "made with systrap, bound and closed", hostcheck.Try(ctx, d),
		"the step that failed is named; a container needs --privileged, and gVisor Linux 4.14 or newer")
}
