package sandboxtest

import (
	"regexp"
	"slices"
	"testing"
)

// The numbers of attacks may grow and not fall: by tier with the host's kernel, and with one
// of its own. Those on the runtime's protocols, in package instance, come beside them.
func TestAttacksDoNotBecomeFewer(t *testing.T) {
	own := 0
	for _, a := range Attacks() {
		if a.Harmless == "" {
			own++
		}
	}
	if all := len(Attacks()); all < 110 || own < 99 {
		t.Errorf("%d attacks, %d of them on a kernel of the box's own", all, own)
	}
}

func TestEveryFamilyIsTried(t *testing.T) {
	for _, f := range Families() {
		if !slices.ContainsFunc(Attacks(), func(a Attack) bool { return a.Family == f && a.Harmless == "" }) {
			t.Errorf("no attack, for every tier, on %s", f)
		}
	}
}

// Each attack says what it is and how it is known to be able to succeed.
func TestAttacksAreNamed(t *testing.T) {
	cve := regexp.MustCompile(`^CVE-20\d\d-\d{4,6}$`)
	seen := map[string]bool{}
	for _, a := range Attacks() {
		if a.Name == "" || seen[a.Name] || !slices.Contains(Families(), a.Family) || a.Success == "" || a.Plant == nil {
			t.Errorf("%q of family %q is told twice, or half", a.Name, a.Family)
		}
		seen[a.Name] = true
		if (len(a.Without) == 0) != (a.Unshown != "") {
			t.Errorf("%s: nothing shows that it can succeed, and Unshown does not say why", a.Name)
		}
		for _, name := range a.CVE {
			if !cve.MatchString(name) {
				t.Errorf("%s follows %q", a.Name, name)
			}
		}
	}
}

// Most attacks are shown to succeed.
func TestMostAttacksCanSucceed(t *testing.T) {
	unshown := 0
	for _, a := range Attacks() {
		if a.Unshown != "" {
			unshown++
		}
	}
	if unshown > 6 {
		t.Errorf("%d attacks of %d were never seen to succeed", unshown, len(Attacks()))
	}
}
