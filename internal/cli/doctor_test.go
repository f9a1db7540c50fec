package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"lambent.dev/lambent/internal/sandbox"
)

// A diagnosis fits its width whatever was found, and nothing that tells what to do is cut.
func TestDiagnosesFitTheirWidth(t *testing.T) {
	long := "no kernel in /" + strings.Repeat("folder/", 30) + " and " + strings.Repeat("word ", 40)
	fix := "boot with psi=1 and the controllers on cgroup2: " + strings.Repeat("again and ", 20) + "the end"
	d := diagnose("microvm", sandbox.Features{Checks: []sandbox.Check{
		{Name: "root", Found: "uid 0", OK: true}, {Name: "guest kernel and images", Found: long, Required: true, Fix: fix},
	}}, nil)
	failed := diagnosis{Tier: "gvisor", Problem: long}
	var b bytes.Buffer
	if err := printer([]diagnosis{d, failed})(&b); err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(l) - 1; n > maxWidth {
			t.Errorf("%d columns: %s", n, l)
		}
	}
	text := strings.Join(strings.Fields(b.String()), "")
	for _, want := range []string{"→ " + fix, long} {
		if want = strings.Join(strings.Fields(want), ""); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
