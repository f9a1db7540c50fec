package sandboxtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSecurityDocument holds that docs/security.md tells which attacks do not count, where, and
// why, and how many are left. What it must have is printed where it has not.
func TestSecurityDocument(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range uncounted() {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/security.md lacks this:\n%s", want)
		}
	}
}

// uncounted are the rows of the document's tables, and its sentence of numbers.
func uncounted() (rows []string) {
	all := Attacks()
	own := slices.DeleteFunc(slices.Clone(all), func(a Attack) bool { return a.Harmless != "" })
	rows = append(rows, fmt.Sprintf("holds %d attacks in %d families", len(all), len(Families())),
		fmt.Sprintf("(%d)", len(own)))
	for _, a := range all {
		if a.Harmless != "" {
			rows = append(rows, fmt.Sprintf("| `%s` | %s |\n", a.Name, a.Harmless))
		}
		if a.Lacking != "" {
			rows = append(rows, fmt.Sprintf("| `%s` | %s |\n", a.Name, a.Lacking))
		}
	}
	return rows
}

// An attack that is lacking somewhere is one that is tried on the host first.
func TestLackingIsTriedOnTheHost(t *testing.T) {
	for _, a := range Attacks() {
		if a.Lacking != "" && !a.Kernel {
			t.Errorf("%s: a kernel may lack it, and nothing looks", a.Name)
		}
	}
}

// Even a host that lacks all that any host was seen to lack has enough to attack, in every tier.
func TestEnoughIsLeftEverywhere(t *testing.T) {
	for _, own := range []bool{false, true} {
		left := slices.DeleteFunc(Attacks(), func(a Attack) bool { return a.Lacking != "" || own && a.Harmless != "" })
		if len(left) < fewestAttacks {
			t.Errorf("a kernel of its own %t: %d attacks, want %d", own, len(left), fewestAttacks)
		}
	}
}

// What a kernel does not have is told from what a driver hides or refuses.
func TestAbsentIsNotWithstood(t *testing.T) {
	here, kernel := Suite{OwnKernel: true}, Attack{Name: "a", Kernel: true}
	for _, c := range []struct {
		suite  Suite
		attack Attack
		report string
		counts bool
	}{
		{here, kernel, "function not implemented", false},
		{here, kernel, "open /proc/kcore: no such file or directory", false},
		{here, kernel, "operation not permitted", true},
		{here, Attack{Name: "a"}, "open /etc/secret: no such file or directory", true}, // hidden
		{Suite{}, kernel, "function not implemented", true},                            // the host has it: the filter says so
	} {
		var count tally
		count.note(c.suite, c.attack, Outcome{Error: c.report})
		if got := len(count.withstood) == 1; got != c.counts || len(count.withstood)+len(count.absent) != 1 {
			t.Errorf("%q, own kernel %t: counts %t, want %t", c.report, c.suite.OwnKernel, got, c.counts)
		}
	}
}
