package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lambent.dev/lambent/internal/bill"
	"lambent.dev/lambent/internal/bill/page"
	"lambent.dev/lambent/internal/price"
)

func taxCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "tax [FUNCTION]", Short: "Say what isolation costs, in time and money",
		Long: `Runs the same function in every isolation of this host, by turns, on a server of its own, and says what
each costs beside light: cold and warm, requests per second, memory of an idle instance, money. FUNCTION is a
folder, a zip or a file as for lambent deploy, or the name of a function on the running server, whose code and
settings are copied; without it a greeting is measured. A quiet machine gives figures that can be trusted.
It ends some 20 s after --seconds, later on a busy machine: isolations start for the first time, and servers end.

With --from it measures nothing and reads what AWS Lambda logged of invocations. It says what they cost,
and for what: time and money for INIT, for memory that was never used, for provisioned concurrency that
stood idle; and how often the same requests would have met a start on this host.

FILE is a log that CloudWatch exported, its REPORT lines as text or platform.report records as JSON; what
` + "`aws logs tail`, filter-log-events or get-query-results" + ` prints; CSV of Logs Insights; gzip of any; a folder of
those; or - for standard input. A log of one function names it by its file, or by --function.`,
		Example: "  lambent tax\n  lambent tax ./thumbnail --event @event.json --seconds 120 --html tax.html\n  lambent tax --from shop.log.gz\n  aws logs tail /aws/lambda/shop --since 30d | lambent tax --from - --function shop\n  lambent tax --from exported/ --html bill.html",
	}
	f := newTaxFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case len(f.from) > 0:
			return f.bill(c, append(f.from, args...))
		case len(args) > 1:
			return &usageError{fmt.Errorf("lambent tax measures one function, not %d; logs need --from", len(args))}
		}
		return f.measure(c, strings.Join(args, ""))
	}
	return c
}

type taxFlags struct {
	output                                *format
	server                                *serverFlags
	seconds                               float64
	event                                 string
	from                                  []string
	function, architecture, prices, start string
	html                                  string
	provisioned                           []string
	keepAlive                             time.Duration
}

// lambdaKeepAlive is about how long Lambda keeps an instance without work; it promises
// nothing, and users measured 5 to 15 minutes.
const lambdaKeepAlive = 10 * time.Minute

func newTaxFlags(c *cobra.Command) *taxFlags {
	f, set := &taxFlags{output: outputFlag(c), server: newServerFlags(c)}, c.Flags()
	set.Float64Var(&f.seconds, "seconds", 90, "`SECONDS` to measure")
	set.StringVar(&f.event, "event", "{}", "`EVENT` of FUNCTION: JSON, or @FILE")
	set.StringArrayVar(&f.from, "from", nil, "read the log `FILE`, a folder of logs, or - for standard input")
	set.StringVar(&f.function, "function", "", "the `NAME` of the function, where logs do not name it")
	set.StringVar(&f.architecture, "architecture", "x86_64", "`ARCHITECTURE` of the functions: x86_64 or arm64")
	set.StringVar(&f.prices, "prices", "", "take prices from `FILE` where it has other ones: docs/tax.md")
	set.StringArrayVar(&f.provisioned, "provisioned", nil, "`NAME=COUNT` instances were kept ready by provisioned concurrency")
	set.DurationVar(&f.keepAlive, "keep-alive", lambdaKeepAlive, "replay with instances that stay for `TIME` without work")
	set.StringVar(&f.start, "starts", "", "take this host's starts from `FILE`, which lambent tax --output json wrote")
	set.StringVar(&f.html, "html", "", "write a page with plots to `FILE`")
	return f
}

func (f *taxFlags) bill(c *cobra.Command, files []string) error {
	options, err := f.options()
	if err != nil {
		return err
	}
	logs, err := openLogs(files, f.function, c.InOrStdin())
	if err != nil {
		return err
	}
	var s *bill.Statement
	err = duringSome(c.ErrOrStderr(), logs.progress, func() error {
		s, err = bill.Write(c.Context(), logs.sources, options)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading logs: %w", err)
	}
	if err := f.writePage(s, options.Prices.Sources); err != nil {
		return err
	}
	if err := warnOfOld(c, options.Prices); err != nil {
		return err
	}
	return show(c.OutOrStdout(), *f.output, s, func(w io.Writer) error { return printStatement(w, s) })
}

// warnOfOld says where prices may have changed since they were looked up.
func warnOfOld(c *cobra.Command, prices *price.Table) error {
	said := prices.Stale(time.Now())
	if said == "" {
		return nil
	}
	return paragraph(c.ErrOrStderr(), "lambent: ", said)
}

func (f *taxFlags) options() (bill.Options, error) {
	prices, err := price.Load(f.prices)
	if err != nil {
		return bill.Options{}, err
	}
	if _, err := prices.Lambda.Compute(f.architecture); err != nil {
		return bill.Options{}, &usageError{fmt.Errorf("--architecture: %w", err)}
	}
	if f.keepAlive < 0 {
		return bill.Options{}, &usageError{fmt.Errorf("--keep-alive %s is below 0", f.keepAlive)}
	}
	ready, err := parseProvisioned(f.provisioned)
	if err != nil {
		return bill.Options{}, err
	}
	starts, err := readStarts(f.start)
	return bill.Options{Prices: prices, Architecture: f.architecture, Provisioned: ready, KeepAlive: f.keepAlive, Starts: starts}, err
}

func parseProvisioned(texts []string) (map[string]int, error) {
	ready := map[string]int{}
	for _, text := range texts {
		name, count, _ := strings.Cut(text, "=")
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 || name == "" {
			return nil, &usageError{fmt.Errorf("--provisioned %s: want NAME=COUNT, shop=5 for instance", text)}
		}
		ready[name] = n
	}
	return ready, nil
}

// readStarts reads what this host's tiers need for a start; none without a file.
func readStarts(path string) ([]bill.Start, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading starts: %w", err)
	}
	var report struct {
		Starts []bill.Start `json:"starts"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("reading starts from %s: %w", path, err)
	}
	if len(report.Starts) == 0 {
		return nil, fmt.Errorf("reading starts from %s: it has none; `lambent tax --output json > %s` measures them", path, path)
	}
	return report.Starts, nil
}

func (f *taxFlags) writePage(s *bill.Statement, sources []string) error {
	if f.html == "" {
		return nil
	}
	if err := writeTo(f.html, func(w io.Writer) error { return page.Write(w, s, sources) }); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// listed is how many functions a table shows.
const listed = 20

func printStatement(w io.Writer, s *bill.Statement) error {
	for _, text := range s.Sentences() {
		if err := paragraph(w, "", text); err != nil {
			return err
		}
	}
	if s.Unreadable > 0 {
		if err := paragraph(w, "", fmt.Sprintf("%s could not be read and are left out; the first: %s.", bill.Count(s.Unreadable, "report"), s.Unread)); err != nil {
			return err
		}
	}
	if len(s.Functions) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return statementTable(s).write(w)
}

func statementTable(s *bill.Statement) *table {
	t := &table{headings: []string{"FUNCTION", "INVOCATIONS", "COLD", "INIT P50/P99", "MEMORY", "UNUSED", "INIT", "COST", "STARTS HERE"}}
	for i, f := range s.Functions {
		if i == listed {
			t.add(fmt.Sprintf("and %d more", len(s.Functions)-i), "", "", "", "", "", "", "", "")
			break
		}
		t.add(f.Name, strconv.FormatInt(f.Invocations, 10), strconv.FormatInt(f.Cold, 10), initCell(f.Init), fmt.Sprintf("%d MB", f.MemoryMB),
			fmt.Sprintf("%.0f %%", 100*f.UnusedShare), bill.USD(f.InitUSD), bill.USD(f.USD), strconv.FormatInt(f.Here.Starts, 10))
	}
	return t
}

func initCell(s bill.Spread) string {
	if s.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f/%.0f ms", s.P50, s.P99)
}
