package light

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/kernel/landlock"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/hostcheck"
)

// Probe implements sandbox.Driver. Where nothing is missing it also makes a sandbox
// and closes it: no list of checks knows every way in which a host can say no.
func (d *Driver) Probe(ctx context.Context) (sandbox.Features, error) {
	f := sandbox.Features{Tier: lambda.TierLight, LateBind: true}
	for _, checks := range []func() []sandbox.Check{d.basics, d.cgroups, d.volumes, landlockCheck, scoresCheck} {
		f.Checks = append(f.Checks, checks()...)
	}
	f.Freeze = freezes(f.Checks)
	if err := sandbox.Missing(lambda.TierLight, f.Checks); err != nil {
		return f, err
	}
	f.Checks = append(f.Checks, d.trial(ctx))
	return f, sandbox.Missing(lambda.TierLight, f.Checks)
}

func (d *Driver) basics() []sandbox.Check {
	return []sandbox.Check{
		hostcheck.Root("run lambent as root"),
		hostcheck.Program("lambent-init", d.options.Init, 0o005, "build it with make build; it must be executable for all"),
		sandbox.Need("namespaces", "user, mnt, pid, net, ipc, uts, cgroup", hasNamespaces(), "use a kernel with all namespaces (any distribution's)"),
		sandbox.Need("user namespaces", "allowed", allowsUsers(), "sysctl -w user.max_user_namespaces=65536"),
		hostcheck.ClonedMounts(),
		sandbox.Need("seccomp", "filters", hasSeccomp(), "use a kernel with CONFIG_SECCOMP_FILTER"),
	}
}

func hasNamespaces() error {
	for _, kind := range []string{"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"} {
		if _, err := os.Stat("/proc/self/ns/" + kind); err != nil {
			return fmt.Errorf("no %s namespace", kind)
		}
	}
	return nil
}

func allowsUsers() error {
	text, err := os.ReadFile("/proc/sys/user/max_user_namespaces")
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || n == 0 {
		return fmt.Errorf("max_user_namespaces is %s", strings.TrimSpace(string(text)))
	}
	return nil
}

// hasSeccomp asks with a filter that cannot be read: a kernel that knows filters
// says EFAULT (seccomp(2), "Checking for API support").
func hasSeccomp() error {
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, 0, 0, 0)
	if errors.Is(err, unix.EFAULT) {
		return nil
	}
	return fmt.Errorf("no filters: %w", err)
}

func (d *Driver) cgroups() []sandbox.Check {
	return hostcheck.Cgroups(d.options.CgroupRoot, hostcheck.All)
}

// freezes says whether the freezer was found.
func freezes(checks []sandbox.Check) bool {
	for _, c := range checks {
		if strings.Contains(c.Name, "freez") {
			return c.OK
		}
	}
	return false
}

func (d *Driver) volumes() []sandbox.Check {
	dir, err := d.private(tmpFolder)
	if err != nil {
		return []sandbox.Check{sandbox.Need("/tmp volumes", "a folder that can be written", err, "make the data folder writable for root")}
	}
	return hostcheck.Volumes(dir, hostcheck.All)
}

func landlockCheck() []sandbox.Check {
	c := sandbox.Check{Name: "landlock", Found: fmt.Sprintf("version %d", landlock.Version()), OK: landlock.Usable()}
	if !c.OK {
		c.Needed, c.Fix = "version 1 or later", "a second wall where there is Linux 5.19 or newer with landlock in its lsm= list"
	}
	return []sandbox.Check{c}
}

// scoresCheck says what keeps functions the first to go when the host is out of memory.
func scoresCheck() []sandbox.Check {
	c := sandbox.Check{Name: "out-of-memory scores", Found: "a function cannot lower its own below its box's", OK: true}
	if !caps.Has(unix.CAP_SYS_RESOURCE) && !landlock.Usable() {
		c.Found, c.OK = "a function can lower its own to the daemon's", false
		c.Needed = "a function cannot lower its own below its box's"
		c.Fix = "give the daemon CAP_SYS_RESOURCE, or use a kernel with Landlock"
	}
	return []sandbox.Check{c}
}

// trial makes a sandbox with a workload and closes it.
func (d *Driver) trial(ctx context.Context) sandbox.Check {
	err := hostcheck.Try(ctx, d)
	fix := "the step that failed is named; a container needs --privileged"
	if errors.Is(err, fs.ErrPermission) {
		fix += " and a /proc that is not masked"
	}
	return sandbox.Need("trial sandbox", "made, bound and closed", err, fix)
}
