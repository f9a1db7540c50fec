package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/daemon"
	"lambent.dev/lambent/internal/drivers"
	"lambent.dev/lambent/internal/host"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// diagnosis is what `lambent doctor` found for one tier, or for the way out of sandboxes.
type diagnosis struct {
	Tier      string  `json:"tier"`
	Available bool    `json:"available"`
	Emulated  bool    `json:"emulated,omitempty"` // software stands in for the processor
	Problem   string  `json:"problem,omitempty"`
	Checks    []check `json:"checks"`
}

type check struct {
	Name     string `json:"name"`
	Found    string `json:"found"`
	OK       bool   `json:"ok"`
	Required bool   `json:"required"`
	Fix      string `json:"fix,omitempty"`
	Needed   string `json:"needed,omitempty"`
}

var errDoctorTookTooLong = fmt.Errorf("looking at this host took longer than a minute")

func doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor", Short: "Say what this host lacks for each isolation and the network, and what to do", Args: noArguments,
		Long: "Looks at what the isolations and the network egress need of this host, and at what speed depends on: what\nwas found, whether it is enough, and what to do where it is not. The exit code is 0 if the default isolation\nworks here: light, unless the configuration says otherwise.",
	}
	output := outputFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx, stop := context.WithTimeoutCause(c.Context(), time.Minute, errDoctorTookTooLong)
		defer stop()
		var found []diagnosis
		err := during(c.ErrOrStderr(), "looking at this host", func() (err error) {
			found, err = examine(ctx)
			return err
		})
		if err != nil {
			return err
		}
		if err := show(c.OutOrStdout(), *output, found, printer(found)); err != nil {
			return err
		}
		return verdict(found, defaultTier())
	}
	return c
}

// examine probes every driver with a private folder that is removed afterwards.
func examine(ctx context.Context) ([]diagnosis, error) {
	dir, err := os.MkdirTemp("", "lambent-doctor-")
	if err != nil {
		return nil, fmt.Errorf("making a folder to try things in: %w", err)
	}
	defer os.RemoveAll(dir)
	set, err := daemon.Drivers(asConfigured(drivers.Options{Dir: filepath.Join(dir, "drivers"), Owner: daemon.NewOwner()}))
	if err != nil {
		return nil, err
	}
	var all []diagnosis
	for _, e := range set.Entries() {
		features, err := e.Driver.Probe(ctx)
		all = append(all, diagnose(e.Tier.String(), features, err))
	}
	all = append(all, outside(ctx, set))
	return append(all, machine(ctx, dir)), set.Close()
}

// asConfigured has drivers be what a server's would be. A configuration that cannot be read changes nothing:
// `lambent up` says what is wrong with it.
func asConfigured(o drivers.Options) drivers.Options {
	settings, err := config.Load(os.Getenv("LAMBENT_CONFIG"), os.Environ())
	if err != nil {
		return o
	}
	o.AllowProcess, o.Monitor, o.IDs = settings.AllowProcess, settings.MicroVMMonitor, settings.SandboxIDs
	o.HostNetwork, o.Resolvers = settings.Network.AllowHost, settings.Network.Servers()
	return o
}

// outside is the way out of sandboxes.
func outside(ctx context.Context, set *drivers.Set) diagnosis {
	checks, err := set.ProbeNetwork(ctx, lambda.TierLight, lambda.NetworkEgress)
	return diagnose("network egress", sandbox.Features{Checks: checks}, err)
}

// hostRow names what is no isolation but the machine that all share.
const hostRow = "host"

// machine is what all isolations share. It is timed on the disk of data if that is there.
func machine(ctx context.Context, dir string) diagnosis {
	if settings, err := config.Load(os.Getenv("LAMBENT_CONFIG"), os.Environ()); err == nil {
		if _, err := os.Stat(settings.Data); err == nil {
			dir = settings.Data
		}
	}
	d := diagnose(hostRow, sandbox.Features{}, nil)
	for _, c := range host.This(dir).Checks(ctx) {
		d.Checks = append(d.Checks, checkOf(c))
	}
	return d
}

func diagnose(tier string, f sandbox.Features, err error) diagnosis {
	d := diagnosis{Tier: tier, Available: err == nil, Emulated: f.Emulated, Checks: []check{}}
	if err != nil {
		d.Problem = err.Error()
	}
	for _, c := range f.Checks {
		d.Checks = append(d.Checks, checkOf(c))
	}
	return d
}

func checkOf(c sandbox.Check) check {
	return check{c.Name, c.Found, c.OK, c.Required, c.Fix, c.Needed}
}

func printer(all []diagnosis) func(io.Writer) error {
	return func(w io.Writer) error {
		for _, d := range all {
			if err := d.print(w); err != nil {
				return err
			}
		}
		return nil
	}
}

func (d diagnosis) print(w io.Writer) error {
	if err := paragraph(w, "", d.Tier+": "+d.state()); err != nil {
		return err
	}
	widest := 0
	for _, c := range d.Checks {
		widest = max(widest, utf8.RuneCountInString(c.Name))
	}
	for _, c := range d.Checks {
		if err := c.print(w, widest); err != nil {
			return err
		}
	}
	return nil
}

// print shows one check, and below it what is needed and what to do, beside its name in a column of
// that width.
func (c check) print(w io.Writer, width int) error {
	head := fmt.Sprintf("  %-7s  %-*s  ", c.mark(), width, c.Name)
	below := strings.Repeat(" ", utf8.RuneCountInString(head))
	failed := paragraph(w, head, cmp.Or(c.Found, "-"))
	if c.Needed != "" {
		failed = errors.Join(failed, paragraph(w, below, "needed: "+c.Needed))
	}
	if c.Fix != "" {
		failed = errors.Join(failed, paragraph(w, below+"→ ", c.Fix))
	}
	return failed
}

// state says the problem in words only where no check below it does.
func (d diagnosis) state() string {
	if d.Tier == hostRow {
		return "what all of them share, and speed depends on"
	}
	switch {
	case d.Available && d.Emulated:
		return "works here, in software emulation: many times slower than on a processor"
	case d.Available:
		return "works here"
	}
	for _, c := range d.Checks {
		if c.Required && !c.OK {
			return "not available here"
		}
	}
	return "not available here: " + strings.Join(strings.Fields(d.Problem), " ") // errors may have lines
}

func (c check) mark() string {
	switch {
	case c.OK:
		return "ok"
	case c.Required:
		return "MISSING"
	default:
		return "without"
	}
}

// defaultTier is that of functions that name none, as a server of this configuration has it.
func defaultTier() string {
	settings, err := config.Load(os.Getenv("LAMBENT_CONFIG"), os.Environ())
	if err != nil {
		return lambda.TierLight.String()
	}
	return cmp.Or(settings.Isolation, lambda.TierLight.String())
}

// verdict makes the exit code follow the default tier.
func verdict(all []diagnosis, tier string) error {
	for _, d := range all {
		if d.Tier == tier && !d.Available {
			return errReported
		}
	}
	return nil
}
