package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/daemon"
	"lambent.dev/lambent/internal/telemetry"
)

func upCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "up", Short: "Run the server in the foreground", Args: noArguments,
		Long: "Runs the server in the foreground until it is interrupted; what it has accepted is finished first.\n\nOver a server that runs on the same data and addresses it takes that one's place, and no\nrequest fails: it serves once it is ready, and the other one ends when it has finished what\nit had. If it cannot start, the other one goes on. SIGUSR2 makes a server start its own\nsuccessor, from the file that its program now is.\n\nSettings come from --config, then from LAMBENT_* variables, then from flags.\n\nIts log goes to standard error, as text or JSON as the setting log-format says; there is no --output.",
	}
	flags := newUpFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := flags.config(c)
		if err != nil {
			return &usageError{err}
		}
		log, err := telemetry.Logger(c.ErrOrStderr(), cfg.LogLevel, cfg.LogFormat)
		if err != nil {
			return &usageError{err}
		}
		defer upgradeOnSignal(c.Context(), c.ErrOrStderr(), log)()
		defer paceHeap()()
		return daemon.Run(c.Context(), cfg, log)
	}
	return c
}

// upFlags are the settings that have a flag of their own.
type upFlags struct {
	file, data, listen, admin   string
	isolation, floor, untrusted string
	monitor                     string
	allowProcess                bool
}

func newUpFlags(c *cobra.Command) *upFlags {
	d, f := config.Default(), &upFlags{}
	set := c.Flags()
	set.StringVar(&f.file, "config", os.Getenv("LAMBENT_CONFIG"), "`FILE` with settings, in TOML")
	set.StringVar(&f.data, "data", d.Data, "`FOLDER` of everything that lasts")
	set.StringVar(&f.listen, "listen", d.Listen, "`ADDRESS` of the Lambda API")
	set.StringVar(&f.admin, "admin", d.Admin, "`ADDRESS` of metrics and health")
	set.StringVar(&f.isolation, "isolation", d.Isolation, "`TIER` of functions that name none")
	set.StringVar(&f.floor, "isolation-floor", d.IsolationFloor, "weakest `TIER` that a function may have (default any)")
	set.StringVar(&f.untrusted, "untrusted-isolation", d.UntrustedIsolation, "weakest `TIER` of functions that are tagged lambent:untrusted")
	set.StringVar(&f.monitor, "microvm-monitor", d.MicroVMMonitor, "`PROGRAM` that runs guests: qemu, firecracker or auto")
	set.BoolVar(&f.allowProcess, "allow-process", false, "offer the isolation process, which does not isolate")
	return f
}

func (f *upFlags) config(c *cobra.Command) (config.Config, error) {
	cfg, err := config.Load(f.file, os.Environ())
	if err != nil {
		return cfg, err
	}
	for name, set := range map[string]func(){
		"data":          func() { cfg.Data = f.data },
		"listen":        func() { cfg.Listen = f.listen },
		"admin":         func() { cfg.Admin = f.admin },
		"isolation":     func() { cfg.Isolation = f.isolation },
		"allow-process": func() { cfg.AllowProcess = f.allowProcess },

		"isolation-floor":     func() { cfg.IsolationFloor = f.floor },
		"microvm-monitor":     func() { cfg.MicroVMMonitor = f.monitor },
		"untrusted-isolation": func() { cfg.UntrustedIsolation = f.untrusted },
	} {
		if c.Flags().Changed(name) {
			set()
		}
	}
	if err := cfg.Validate(); err != nil {
		return cfg, fmt.Errorf("settings: %w", err)
	}
	return cfg, nil
}
