package microvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/volume"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// Probe implements sandbox.Driver. Where nothing is missing it also makes a sandbox and closes
// it: only that tells whether guests run here.
func (d *Driver) Probe(ctx context.Context) (sandbox.Features, error) {
	f := sandbox.Features{Tier: lambda.TierMicroVM, LateBind: true, Freeze: true}
	for _, checks := range []func() []sandbox.Check{d.basics, d.cgroups, d.volumes} {
		f.Checks = append(f.Checks, checks()...)
	}
	if err := sandbox.Missing(lambda.TierMicroVM, f.Checks); err != nil {
		return f, err
	}
	f.Checks = append(f.Checks, d.trial(ctx))
	return f, sandbox.Missing(lambda.TierMicroVM, f.Checks)
}

const setupFix = "run `lambent setup microvm`"

func (d *Driver) basics() []sandbox.Check {
	set, err := image.Find(d.options.Images)
	_, qemuErr := os.Stat(qemuPath)
	return []sandbox.Check{
		sandbox.Need("root", "uid 0", isRoot(), "run lambent as root"),
		sandbox.Need("QEMU", qemuPath, qemuErr, setupFix+", which installs it"),
		sandbox.Need("guest kernel and images", filepath.Dir(set.Kernel), err, setupFix),
		sandbox.Need("lambent-agent", d.options.Agent, executable(d.options.Agent), "build it with make build; it must be executable"),
		d.checkKVM(),
	}
}

// checkKVM says by what guests are isolated.
func (d *Driver) checkKVM() sandbox.Check {
	found := d.usableKVM()
	c := sandbox.Check{Name: "KVM", Found: found.found, OK: found.usable}
	if !c.OK {
		c.Fix = "guests run in software emulation, many times slower: use a machine, or a virtual machine, with hardware virtualisation"
	}
	return c
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
		if !strings.Contains(c.Name, "loop") { // guests have drives
			checks = append(checks, sandbox.Check{Name: c.Name, Found: c.Found, OK: c.OK, Required: true, Fix: c.Fix})
		}
	}
	return checks
}

// trial makes a sandbox with a workload and closes it.
func (d *Driver) trial(ctx context.Context) sandbox.Check {
	return sandbox.Need("trial sandbox", "a guest was made, bound and closed: "+d.usableKVM().kind(), d.try(ctx), "the step that failed is named")
}

func (d *Driver) try(ctx context.Context) (err error) {
	t, err := d.Prepare(ctx, sandbox.Base{Root: sandbox.RootHost, Tmp: probeTmp, Network: sandbox.NetworkNone})
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

// probeTmp is the /tmp of a trial, in bytes.
const probeTmp = 16 << 20
