package cli

import (
	"bytes"
	"encoding/json"
	"errors"
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

// sick is a host without what light requires.
func sick() []diagnosis {
	long := strings.Repeat("/a-long-folder", 20)
	all := []diagnosis{
		diagnose("light", sandbox.Features{Checks: []sandbox.Check{
			{Name: "root", Found: "uid 0", OK: true},
			{Name: "lambent-init", Found: "no " + long, Required: true, Fix: "put it beside lambent, whose folder is " + long},
			{Name: "landlock", Found: "version 0", Fix: "boot with lsm=landlock"},
		}}, errors.New("light: "+strings.Repeat("no lambent-init, ", 20))),
		diagnose("microvm", sandbox.Features{Emulated: true}, nil),
		diagnose(hostRow, sandbox.Features{}, nil),
	}
	all[0].Checks[2].Needed = "version 1 or later"
	return all
}

// What a person reads fits their screen, and nothing of it is lost.
func TestDoctorSaysWhatIsNeeded(t *testing.T) {
	var b bytes.Buffer
	if err := printer(sick())(&b); err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(l) - 1; n > maxWidth {
			t.Errorf("%d columns: %s", n, l)
		}
	}
	together := strings.Join(strings.Fields(b.String()), "")
	for _, want := range []string{
		"light: not available here", "MISSING  lambent-init  no", "without  landlock", "needed: version 1 or later", "→ boot with lsm=landlock",
		"microvm: works here, in software emulation", strings.Repeat("/a-long-folder", 20),
	} {
		if !strings.Contains(together, strings.Join(strings.Fields(want), "")) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}

// The exit code is about the default isolation, and about nothing else.
func TestDoctorVerdict(t *testing.T) {
	for tier, fails := range map[string]bool{"light": true, "microvm": false} {
		if err := verdict(sick(), tier); errors.Is(err, errReported) != fails {
			t.Errorf("%s: %v", tier, err)
		}
	}
}

func TestDoctorAsJSON(t *testing.T) {
	text, err := json.Marshal(sick()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"tier":"light","available":false,"problem":"light: `, `"found":"version 0","ok":false,"required":false,"fix":"boot with lsm=landlock","needed":"version 1 or later"`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
}
