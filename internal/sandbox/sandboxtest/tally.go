package sandboxtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fewestAttacks is how many a tier must have withstood on a host to be called tested there.
// Only attempts on something that is there count.
const fewestAttacks = 60

// tally sorts the attacks of a run by what came of them. An attack on what is not there is
// no attempt: that it failed says nothing of the tier.
type tally struct {
	withstood []string // what it aims at is there, and was not reached
	harmless  []string // success would be none: the kernel is the box's own
	lacking   []string // the host's kernel refuses it to root, too
	absent    []string // the box's own kernel has no such thing; the driver's stop, but not counted
}

// note files the report of an attack that failed against the whole driver.
func (c *tally) note(s Suite, a Attack, o Outcome) {
	if s.OwnKernel && a.Kernel && !o.OK && o.isAbsent() {
		c.absent = append(c.absent, a.Name)
		return
	}
	c.withstood = append(c.withstood, a.Name)
}

// isAbsent says whether a kernel answered that it does not have what was asked for. It is
// meant for attacks that depend on nothing but the kernel: a file that is not in the box's
// root is hidden by the driver.
func (o Outcome) isAbsent() bool {
	return slices.ContainsFunc([]error{
		unix.ENOSYS, unix.ENOENT, unix.ENODEV, unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT, unix.ESOCKTNOSUPPORT, unix.EOPNOTSUPP,
	}, func(err error) bool { return strings.HasSuffix(o.Error, err.Error()) })
}

// report says what was counted, and fails where it is too little of all that were to run: -run
// may have chosen some.
func (c *tally) report(t *testing.T, s Suite, all int) {
	t.Helper()
	t.Log(c.String())
	if n := len(c.withstood); n < fewestAttacks && n+len(c.absent) == all {
		t.Errorf("%v: only %d attacks found something to attack on this host, want %d", s.Tier, n, fewestAttacks)
	}
}

func (c *tally) String() string {
	return fmt.Sprintf("attacks on what is there: %d\nharmless on a kernel of its own: %d %q\nnot on this host's kernel: %d %q\nnot on the box's kernel: %d %q",
		len(c.withstood), len(c.harmless), c.harmless, len(c.lacking), c.lacking, len(c.absent), c.absent)
}
