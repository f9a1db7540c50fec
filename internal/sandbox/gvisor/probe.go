package gvisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/kernel/volume"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
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
		sandbox.Need("root", "uid 0", isRoot(), "run lambent as root: control groups, /tmp volumes and mounts of code need it, gVisor itself does not"),
		sandbox.Need("runsc", path, err, "run `lambent setup gvisor`, which builds it"),
		sandbox.Need("lambent-agent", d.options.Agent, executable(d.options.Agent), "build it with make build; it must be executable"),
		sandbox.Need("mount_setattr", "works", canClone(), "use Linux 5.12 or newer; in a container allow CAP_SYS_ADMIN and the mount calls"),
	}
}

func isRoot() error {
	if uid := os.Geteuid(); uid != 0 {
		return fmt.Errorf("uid %d", uid)
	}
	return nil
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("%s has mode %s", path, info.Mode())
	}
	return nil
}

func canClone() error {
	fd, err := mount.Clone("/usr", mount.ReadOnly|mount.NoSUID|mount.NoDev, false)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func (d *Driver) cgroups() []sandbox.Check {
	host, err := cgroup.Open(d.options.CgroupRoot)
	if err != nil {
		return []sandbox.Check{sandbox.Need("cgroups", "", err, "mount cgroups at "+d.options.CgroupRoot)}
	}
	var checks []sandbox.Check
	for _, c := range host.Checks() {
		if !strings.Contains(c.Name, "freez") { // it is not used
			checks = append(checks, sandbox.Check(c))
		}
	}
	return checks
}

func (d *Driver) volumes() []sandbox.Check {
	maker, err := volume.Open(filepath.Join(d.options.Dir, tmpFolder))
	if err != nil {
		return []sandbox.Check{sandbox.Need("/tmp volumes", "", err, "make the data folder writable for root")}
	}
	var checks []sandbox.Check
	for _, c := range maker.Checks() {
		checks = append(checks, sandbox.Check{Name: c.Name, Found: c.Found, OK: c.OK, Required: true, Fix: c.Fix})
	}
	return checks
}

// trial makes a sandbox with a workload and closes it.
func (d *Driver) trial(ctx context.Context) sandbox.Check {
	return sandbox.Need("trial sandbox", "made with systrap, bound and closed", d.try(ctx),
		"the step that failed is named; a container needs --privileged, and gVisor Linux 4.14 or newer")
}

func (d *Driver) try(ctx context.Context) (err error) {
	t, err := d.Prepare(ctx, sandbox.Base{Root: sandbox.RootHost, Tmp: 16 << 20, Network: sandbox.NetworkNone})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	s, err := t.Create(ctx, "probe-"+strconv.FormatInt(time.Now().UnixNano(), 36))
	if err != nil {
		return err
	}
	bound := s.Bind(ctx, sandbox.Workload{Name: "probe", Memory: 64 << 20, Pids: 64})
	limit, stop := cleanup.Context(ctx, destroyLimit)
	defer stop()
	return errors.Join(bound, s.Close(limit))
}
