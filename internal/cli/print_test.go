package cli

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/why"
)

func TestTablesFitTheirWidth(t *testing.T) {
	tab := &table{headings: []string{"NAME", "WHAT", "STATE"}}
	tab.add(strings.Repeat("n", 64), strings.Repeat("ü", 300), "Active")
	tab.add("a", "b", "c")
	var b bytes.Buffer
	if err := tab.write(&b); err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(l, "\n")); n > maxWidth {
			t.Errorf("%d columns: %s", n, l)
		}
	}
	if !strings.Contains(b.String(), "…") || !strings.Contains(b.String(), "Active") {
		t.Error(b.String())
	}
}

// TestWhatIsNotKnownIsNotShown: a host that measures nothing makes no zeros.
func TestWhatIsNotKnownIsNotShown(t *testing.T) {
	for want, used := range map[string]receipt.Used{"": {}, "used      not known: the instance ran other requests at the same time\n": {Shared: true}} {
		var b bytes.Buffer
		if err := printReceipt(&b, &receipt.Receipt{Tier: lambda.TierLight, Used: used}); err != nil {
			t.Fatal(err)
		}
		if _, got, _ := strings.Cut(b.String(), "MiB\n"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestReceiptsFitTheirWidth(t *testing.T) {
	r := &receipt.Receipt{Version: "$LATEST", Tier: lambda.TierLight, Start: receipt.Cold, Why: strings.Repeat("because ", 30), MemoryPeak: 1 << 40}
	r.Spent[receipt.Init] = 900 * time.Second
	long, many := receipt.Of(900*time.Second), receipt.Of[int64](1<<40)
	r.Used = receipt.Used{CPU: long, Throttled: long, Waiting: long, MemoryStall: long, IOStall: long, Faults: many}
	slow := explained{why.Explain(r), *r}
	var b bytes.Buffer
	if err := errors.Join(printReceipt(&b, r), slow.print(&b)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "waiting for CPU 900000.000 ms") || !strings.Contains(b.String(), "initialisation") {
		t.Error(b.String())
	}
	for l := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(l) - 1; n > maxWidth {
			t.Errorf("%d columns: %s", n, l)
		}
	}
}

// TestEveryHelpIsComplete reads the help of every command: a sentence for each flag, lines
// that fit, no command without an explanation.
func TestEveryHelpIsComplete(t *testing.T) {
	for _, c := range allCommands(rootCommand()) {
		var b bytes.Buffer
		c.SetOut(&b)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(l) - 1; n > 120 {
				t.Errorf("%s: %d columns: %s", c.CommandPath(), n, l)
			}
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || c.Long == "" {
			t.Errorf("%s: short help %q, long help %q", c.CommandPath(), c.Short, c.Long)
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			value, usage := pflag.UnquoteUsage(f)
			named := f.Value.Type() == "bool" || value != strings.ToLower(value) || strings.Contains(value, "|")
			if len(usage) < 10 || !named {
				t.Errorf("%s: --%s %s is explained by %q", c.CommandPath(), f.Name, value, usage)
			}
		})
	}
}

func TestPrintableDisarmsTerminals(t *testing.T) {
	for text, want := range map[string]string{
		"grüße\tda":      "grüße\tda",
		"\x1b[31mred":    `\x1b[31mred`,
		"\xff\x00\a\r\n": `\xff\x00\a\r\n`,
		"a\u202eb":       `a\u202eb`,
	} {
		if got := printable([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{"": {}, "10m": now.Add(-10 * time.Minute), "2026-11-22T20:00:00Z": now.Add(-time.Hour)} {
		got, err := parseSince(text, now)
		if err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"-5m", "yesterday", "5"} {
		if got, err := parseSince(text, now); err == nil {
			t.Errorf("%q: took it as %v", text, got)
		}
	}
}

func TestSharesOfAliases(t *testing.T) {
	for text, want := range map[string]map[string]float64{"": {}, "2=10%": {"2": 0.1}, "2=0.25": {"2": 0.25}} {
		got, err := parseAlso(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.AdditionalVersionWeights); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	for _, text := range []string{"2", "=1%", "2=x", "2=-1%", "2=101%", "2=NaN"} {
		if got, err := parseAlso(text); err == nil {
			t.Errorf("%q: took it as %v", text, got)
		}
	}
}

func TestNewestRuntimesComeFirst(t *testing.T) {
	if ids := newestFirst("python"); ids[0] != "python3.15" || ids[len(ids)-1] != "python2.7" {
		t.Errorf("%v", ids)
	}
	if ids := newestFirst("nodejs"); ids[0] != "nodejs26.x" {
		t.Errorf("%v", ids)
	}
}

// Who looks at a receipt or a function sees that a processor was emulated.
func TestEmulationIsNamed(t *testing.T) {
	h := http.Header{"X-Lambent-Start": {"stem"}, "X-Lambent-Isolation": {"microvm"}, "X-Lambent-Emulated": {"true"}, "Server-Timing": {"queue;dur=1, attach;dur=7, total;dur=8"}}
	r, err := readReceipt(h, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := printReceipt(&out, r); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "isolation microvm (software emulation)") || !strings.Contains(text, "attach         7.000 ms") || strings.Contains(text, "boot") {
		t.Errorf("the receipt says\n%s", text)
	}
	f := function{Isolation: "microvm", Emulated: true}
	if got := f.isolation(); got != "microvm (software emulation)" {
		t.Errorf("a function's isolation is %q", got)
	}
}

// What does not fit a line goes on in the next, and nothing of it is lost.
func TestWrapLosesNothing(t *testing.T) {
	for _, text := range []string{"", "a", "one two three four", strings.Repeat("ü", 25), "a " + strings.Repeat("b", 25) + " c", "0123456789 0123456789"} {
		got := wrap(text, 10)
		for _, l := range got {
			if n := utf8.RuneCountInString(l); n > 10 || n == 0 {
				t.Errorf("%q: a line of %d columns: %q", text, n, l)
			}
		}
		if was, is := strings.ReplaceAll(text, " ", ""), strings.ReplaceAll(strings.Join(got, ""), " ", ""); was != is {
			t.Errorf("%q became %q", text, got)
		}
	}
}
