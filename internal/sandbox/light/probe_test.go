package light_test

import (
	"errors"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light"
)

func TestProbeNamesWhatIsMissing(t *testing.T) {
	d, err := light.New(light.Options{Init: "/nowhere/lambent-init", Owner: "test-probe", Dir: t.TempDir(), CgroupRoot: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	f, err := d.Probe(t.Context())
	if !errors.Is(err, sandbox.ErrUnavailable) {
		t.Fatalf("err = %v, want one that is ErrUnavailable", err)
	}
	for _, want := range []string{"lambent-init", "make build", "cgroup"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not mention %q: %v", want, err)
		}
	}
	for _, c := range f.Checks {
		if c.OK == (c.Fix != "") {
			t.Errorf("check %+v: a fix belongs to what is missing", c)
		}
	}
}

func TestProbeOfAWholeHost(t *testing.T) {
	f, err := newDriver(t).Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !f.LateBind || len(f.Checks) < 8 {
		t.Errorf("features: %+v", f)
	}
}

func TestNewRefusesRelativePaths(t *testing.T) {
	for _, o := range []light.Options{{Init: "x", Dir: "/d", Owner: "o"}, {Init: "/x", Dir: "d", Owner: "o"}, {Init: "/x", Dir: "/d"}} {
		if _, err := light.New(o); err == nil {
			t.Errorf("options %+v were taken", o)
		}
	}
}
