package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lambent.dev/lambent/bench"
	"lambent.dev/lambent/bench/page"
)

func benchCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "bench", Short: "Measure Lambent beside bare processes, plain servers and containers", Args: noArguments,
		Long: `Starts servers of this program on temporary data folders, invokes functions of theirs from outside, and
measures in the same run, by turns, what they are compared with: bare processes, a bare fork, plain servers
with the same handlers, runc and crun where they are installed. What counts are the ratios.

A whole run takes about thirteen minutes and a quiet machine. Targets are shown and fail nothing; only a
concurrency limit that was not held makes the exit code 1.

Groups, for --only:
` + strings.Join(wrap(strings.Join(bench.Groups(), ", "), maxWidth), "\n") + ".",
		Example: "  lambent bench --html bench.html\n  lambent bench --only cold,warm --seconds 300\n  lambent bench --output json > bench.json\n  lambent bench --from bench.json --html bench.html\n  lambent tax --output json > tax.json && lambent bench --only tiers --confirm tax.json",
	}
	f := newBenchFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error { return f.run(c) }
	return c
}

type benchFlags struct {
	output                            *format
	quick                             bool
	seconds                           float64
	only, set, also                   []string
	against                           string
	html, markdown, from, confirm     string
	keep, examples                    string
	functions, instances, connections int
	rates                             []float64
}

// Seconds that a run's groups share.
const (
	wholeRun = 645
	quickRun = 10
)

// maxRate is the most requests per second that --rate takes: more than a server here answers.
const maxRate = 1_000_000

func newBenchFlags(c *cobra.Command) *benchFlags {
	f, set := &benchFlags{output: outputFlag(c)}, c.Flags()
	set.BoolVar(&f.quick, "quick", false, "run every part once, in some twenty seconds: the figures mean little")
	set.Float64Var(&f.seconds, "seconds", wholeRun, "`SECONDS` that a whole run measures, shared by its groups in proportion")
	set.StringSliceVar(&f.only, "only", nil, "measure these `GROUPS` only, each for the time it has in a whole run")
	set.StringVar(&f.html, "html", "", "write a page with plots to `FILE`")
	set.StringVar(&f.markdown, "markdown", "", "write the tables into the generated part of `FILE`, docs/performance.md for instance")
	set.StringVar(&f.from, "from", "", "measure nothing: show the report that --output json wrote to `FILE`")
	set.StringVar(&f.confirm, "confirm", "", "compare the group tiers with `FILE` of lambent tax --output json; exit 1 where 15 % apart")
	set.StringVar(&f.keep, "keep", "", "work in `FOLDER` and keep it: data folders and logs of the servers")
	set.StringVar(&f.examples, "examples", "examples", "`FOLDER` of functions, an event.json in each")
	set.IntVar(&f.functions, "functions", 1000, "deploy `NUMBER` of functions for the server's memory; the target is for 100000")
	set.IntVar(&f.instances, "instances", 10, "start `NUMBER` of idle instances for their memory; the target is for 1000")
	set.IntVar(&f.connections, "connections", 10000, "`NUMBER` of requests at once against a reserved concurrency")
	set.Float64SliceVar(&f.rates, "rate", []float64{500, 1000}, "fixed `RATES` of requests per second in the group tail")
	set.Lookup("rate").DefValue = "500,1000" // pflag writes six decimals
	set.StringArrayVar(&f.set, "set", nil, "give all servers the setting `NAME=VALUE`, LAMBENT_LOG_LEVEL=debug for instance")
	set.StringArrayVar(&f.also, "also", nil, "measure a server with the setting `NAME=VALUE` beside (cold, idle, warm)")
	set.StringVar(&f.against, "against", "", "measure `PROGRAM`, another build of lambent, beside (cold, idle, warm)")
	return f
}

func (f *benchFlags) run(c *cobra.Command) error {
	report, err := f.report(c)
	if err != nil {
		return err
	}
	if err := f.write(report); err != nil {
		return err
	}
	if f.confirm != "" {
		return f.confirmTax(c, report)
	}
	if err := show(c.OutOrStdout(), *f.output, report, report.Text); err != nil {
		return err
	}
	return broken(report)
}

// confirmedReport is a report with what it says of a tax.
type confirmedReport struct {
	*bench.Report
	Confirmation *confirmation `json:"confirmation"`
}

// confirmTax shows whether the report agrees with a tax. Of a smoke run that means nothing.
func (f *benchFlags) confirmTax(c *cobra.Command, report *bench.Report) error {
	tax, err := readTax(f.confirm)
	if err != nil {
		return err
	}
	if !measuredTiers(report) {
		return &usageError{errors.New("--confirm needs the group tiers: --only tiers, or a report that has it")}
	}
	got, err := confirm(tax, taxOf(report, tax.Function, tax.PricedAs, tax.HourUSD))
	if err != nil {
		return fmt.Errorf("confirming %s: %w", f.confirm, err)
	}
	if err := show(c.OutOrStdout(), *f.output, confirmedReport{report, got}, got.print); err != nil || report.Quick {
		return err
	}
	return errors.Join(got.verdict(), broken(report))
}

// report measures, or reads what was measured earlier.
func (f *benchFlags) report(c *cobra.Command) (*bench.Report, error) {
	if f.from != "" {
		return readReport(f.from)
	}
	options, err := f.options(c)
	if err != nil {
		return nil, err
	}
	return bench.Run(c.Context(), options)
}

func readReport(path string) (*bench.Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a report: %w", err)
	}
	var r bench.Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("reading the report %s: %w", path, err)
	}
	if r.Format != bench.Format {
		return nil, fmt.Errorf("the report %s has format %d, this lambent reads %d", path, r.Format, bench.Format)
	}
	return &r, nil
}

// write brings the report into the files that were asked for.
func (f *benchFlags) write(r *bench.Report) error {
	if f.html != "" {
		if err := writeTo(f.html, func(w io.Writer) error { return page.Write(w, r) }); err != nil {
			return fmt.Errorf("writing the page: %w", err)
		}
	}
	if f.markdown == "" {
		return nil
	}
	text, err := os.ReadFile(f.markdown)
	if err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	text, err = r.Markdown(text)
	if err != nil {
		return fmt.Errorf("writing into %s: %w", f.markdown, err)
	}
	return os.WriteFile(f.markdown, text, 0o644)
}

func writeTo(path string, write func(io.Writer) error) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(out), out.Close())
}

// broken is an error if a limit was not held.
func broken(r *bench.Report) error {
	var all []error
	for _, row := range r.Rows {
		if row.Broken != "" {
			all = append(all, fmt.Errorf("%s: %s", row.ID(), row.Broken))
		}
	}
	return errors.Join(all...)
}

// check refuses what cannot be measured, as usage errors.
func (f *benchFlags) check() error {
	for _, n := range []int{f.functions, f.instances, f.connections} {
		if n < 1 {
			return &usageError{errors.New("--functions, --instances and --connections must be at least 1")}
		}
	}
	for _, rate := range f.rates {
		if !(rate > 0 && rate <= maxRate) {
			return &usageError{fmt.Errorf("--rate %g: choose more than 0 and at most %d requests per second", rate, maxRate)}
		}
	}
	if f.seconds <= 0 {
		return &usageError{errors.New("--seconds must be more than 0")}
	}
	for _, name := range f.only {
		if !slices.Contains(bench.Groups(), name) {
			return &usageError{fmt.Errorf("--only %s: there is no such group, choose of %s", name, strings.Join(bench.Groups(), ", "))}
		}
	}
	for _, setting := range append(f.set, f.also...) {
		if name, _, found := strings.Cut(setting, "="); !found || !strings.HasPrefix(name, "LAMBENT_") {
			return &usageError{fmt.Errorf("%q is not a setting: write LAMBENT_LOG_LEVEL=debug for instance", setting)}
		}
	}
	return nil
}

func (f *benchFlags) options(c *cobra.Command) (bench.Options, error) {
	if err := f.check(); err != nil {
		return bench.Options{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return bench.Options{}, fmt.Errorf("finding this program: %w", err)
	}
	o := bench.Options{
		Version: Version, Program: self, Helper: beside(self, "lambent-bench"), PythonClient: beside(self, "awslambdaric"),
		Python: benchInterpreter("python"), Node: benchInterpreter("nodejs"), Boxes: openBoxes,
		Total: time.Duration(f.seconds * float64(time.Second)), Only: f.only, Keep: f.keep, Settings: f.set,
		Connections: f.connections, Functions: f.functions, Instances: f.instances, Rates: f.rates,
		Warn: c.ErrOrStderr(), Progress: progressOf(c.ErrOrStderr()),
	}
	o.Variants = f.variants()
	if f.quick {
		f.shorten(c, &o)
	}
	o.Examples = f.findExamples(c)
	return o, nil
}

// variants are the servers that are measured beside the usual one.
func (f *benchFlags) variants() []bench.Variant {
	var all []bench.Variant
	for _, setting := range f.also {
		all = append(all, bench.Variant{Name: "lambent " + strings.TrimPrefix(setting, "LAMBENT_"), Settings: []string{setting}})
	}
	if f.against != "" {
		all = append(all, bench.Variant{Name: "lambent before,", Program: f.against})
	}
	return all
}

// shorten makes a smoke run of what was not asked for otherwise.
func (f *benchFlags) shorten(c *cobra.Command, o *bench.Options) {
	o.Quick = true
	changed := c.Flags().Changed
	if !changed("seconds") {
		o.Total = quickRun * time.Second
	}
	if !changed("connections") {
		o.Connections = 500
	}
	if !changed("functions") {
		o.Functions = 20
	}
	if !changed("instances") {
		o.Instances = 2
	}
}
