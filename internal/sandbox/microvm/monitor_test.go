package microvm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/microvm/firecracker"
)

// choosing is a driver that found Firecracker or not, and KVM or not.
func choosing(t *testing.T, asked Monitor, program, kvm bool) *Driver {
	t.Helper()
	dir := t.TempDir()
	for name, said := range map[string]string{"firecracker": "Firecracker v1.13.1", "jailer": "Jailer v1.13.1"} {
		if program {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho "+said+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	d, err := New(Options{Agent: "/agent", Dir: dir, Owner: "test", Filter: []byte{1}, Monitor: asked, Images: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	d.kvm = &kvmFinding{usable: kvm, found: "found"}
	if !program {
		d.firecracker = &monitorFinding{err: errors.New("not found")} // whatever this host has
	}
	return d
}

// What is asked for by name and cannot be had is refused; nothing else takes its place.
func TestMonitorIsChosenAndNeverReplaced(t *testing.T) {
	for _, c := range []struct {
		asked        Monitor
		program, kvm bool
		want         string
	}{
		{"", true, true, "firecracker"},
		{Auto, false, true, "qemu"},
		{Auto, true, false, "qemu"},
		{QEMU, true, true, "qemu"},
		{Firecracker, true, true, "firecracker"},
		{Firecracker, false, true, "not found"},
		{Firecracker, true, false, "needs KVM"},
	} {
		d := choosing(t, c.asked, c.program, c.kvm)
		v, err := d.monitorFor(t.Context())
		got := "qemu"
		switch {
		case err != nil:
			if got = err.Error(); !errors.Is(err, sandbox.ErrUnavailable) {
				t.Errorf("%+v: %v does not say that it is unavailable", c, err)
			}
		case v.named():
			got = "firecracker"
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if _, err := New(Options{Agent: "/agent", Dir: "/dir", Owner: "test", Filter: []byte{1}, Monitor: "xen"}); err == nil {
		t.Error("a monitor that nobody knows was accepted")
	}
}

// The doctor says which it is, what is missing, and only that makes the tier unavailable.
func TestMonitorIsWhatTheDoctorSays(t *testing.T) {
	for _, c := range []struct {
		asked        Monitor
		program, kvm bool
		want         string // of a check
		required     bool   // and missing
	}{
		{Auto, true, true, "1.13.1", false},
		{Auto, true, true, "Firecracker's release1.13.1", false},
		{Auto, false, true, "not found", false},
		{Auto, true, false, "needs KVM", false},
		{Firecracker, false, true, "Firecracker", true},
		{Firecracker, true, false, "KVM for Firecracker", true},
	} {
		checks := choosing(t, c.asked, c.program, c.kvm).monitors(t.Context())
		said, missing := false, false
		for _, check := range checks {
			said = said || strings.Contains(check.Name+check.Found, c.want)
			missing = missing || check.Required && !check.OK && check.Name != "QEMU"
		}
		if !said || missing != c.required {
			t.Errorf("%+v: %+v", c, checks)
		}
	}
}

// Only an earlier release is warned of.
func TestOnlyAnEarlierReleaseIsAged(t *testing.T) {
	for version, want := range map[string]int{"": 0, "1.10.0": 1, "1.15.0": 1, "1.15.1": 0, "1.15.1-dev": 0, "1.15.10": 0, "1.9.9": 1, "2.0.0": 0} {
		if got := aged(firecracker.Programs{Version: version}); len(got) != want {
			t.Errorf("%s: %+v", version, got)
		}
	}
}
