package sandboxtest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
)

// Attack is something that a function must not achieve.
type Attack struct {
	Name    string
	Family  Family
	CVE     []string // published escapes and the like that it follows, or is a step of
	Success string   // what success of the attacker would look like

	// Without are the protections that stop it, each by itself: the attack fails as
	// long as one of them is there, and succeeds without all of them.
	Without []string
	// Along are taken away whenever one of them is, because a box cannot have these without
	// those, or because they stop it on some hosts only.
	Along []string
	// Kept says why a box with a kernel of its own (Suite.OwnKernel) is safe without them, too.
	Kept string
	// Unshown says, for an attack that nothing removable stops, why none can be taken away.
	Unshown string

	// Plant prepares what is attacked and returns the probe's arguments.
	Plant func(a *arena) []string
	// Won judges; nil takes the probe's word that the kernel let it.
	Won func(a *arena, o Outcome) bool
	// Kernel says that the attack depends on nothing but what the kernel offers: where
	// it fails for root on the host itself, it is skipped.
	Kernel bool
	// Lacking says which kernels do not have what it aims at, of those it was not seen on.
	Lacking string
	// Harmless says why success is none where the kernel that answers is the box's own
	// (Suite.OwnKernel); "" = it would be.
	Harmless string
}

// arena is where an attack takes place.
type arena struct {
	*rig
	waiting sandbox.Template // boxes in which the attacker waits; nil without
	box     sandbox.Sandbox
	secret  string // what must not be read, unique
	waited  bool   // the attacker is adopted by what waited in the box
	charged bool   // the host paid for what the box holds
	answer  string // what a plant found
}

// attempts are the runs of an attack that belong to one set of protections.
type attempts struct {
	without []string // taken away
	stopped []Attack // must fail
	succeed []Attack // must succeed
}

// Attack runs the attacks: against the whole driver, with a neighbour beside them that must
// come to no harm, then with their protections taken away. One driver serves all attacks
// that meet the same protections.
func (s Suite) Attack(t *testing.T) {
	s.require(t)
	code := buildProbe(t)
	plantSetID(t, code)
	before := Take(t, "")
	var count tally
	attacks := s.judged(t, code, &count)
	t.Run("Whole", func(t *testing.T) {
		s.attackWhole(t, code, attacks, &count)
		count.report(t, s, len(attacks))
	})
	for _, some := range s.weakened(attacks) {
		t.Run("Without/"+strings.Join(some.without, "+"), func(t *testing.T) { s.attackWeakened(t, code, some) })
	}
	expectNoLeak(t, before)
}

// judged are the attacks whose success would be one here.
func (s Suite) judged(t *testing.T, code string, count *tally) []Attack {
	return slices.DeleteFunc(Attacks(), func(a Attack) bool {
		switch {
		case s.OwnKernel && a.Harmless != "":
			t.Logf("%s is harmless here: %s", a.Name, a.Harmless)
			count.harmless = append(count.harmless, a.Name)
		case a.kernelRefuses(t, code):
			count.lacking = append(count.lacking, a.Name)
		default:
			return false
		}
		return true
	})
}

func (s Suite) attackWhole(t *testing.T, code string, attacks []Attack, count *tally) {
	field := newArena(t, s, code)
	beside := newBystander(field)
	for _, a := range attacks {
		t.Run(a.Name, func(t *testing.T) {
			count.note(s, a, field.of(t).judge(a, false, nil))
			beside.unharmed(t)
		})
		if s.Preloads {
			t.Run(a.Name+"/WhereItWaited", func(t *testing.T) {
				here := field.of(t)
				here.waited = true
				here.judge(a, false, nil)
				beside.unharmed(t)
			})
		}
	}
}

func (s Suite) attackWeakened(t *testing.T, code string, some attempts) {
	field := newArena(t, s, code, some.without...)
	for _, a := range some.stopped {
		t.Run(a.Name+"/Stopped", func(t *testing.T) { field.of(t).judge(a, false, some.without) })
	}
	for _, a := range some.succeed {
		t.Run(a.Name+"/Succeeds", func(t *testing.T) { field.of(t).judge(a, true, some.without) })
	}
}

// weakened sorts by what is taken away: each of an attack's protections is left alone once,
// and stops it; without all of them it succeeds.
func (s Suite) weakened(attacks []Attack) []attempts {
	var all []attempts
	find := func(without []string) *attempts {
		slices.Sort(without)
		at := slices.IndexFunc(all, func(some attempts) bool { return slices.Equal(some.without, without) })
		if at < 0 {
			at, all = len(all), append(all, attempts{without: without})
		}
		return &all[at]
	}
	for _, a := range attacks {
		if len(a.Without) == 0 || !s.canRemove(a) {
			continue // another driver's run shows that it can succeed, or Unshown says why none does
		}
		whole := find(slices.Concat(a.Without, a.Along))
		whole.succeed = append(whole.succeed, a)
		for _, p := range a.Without {
			if others := slices.DeleteFunc(slices.Clone(a.Without), func(o string) bool { return o == p }); len(others) > 0 {
				weak := find(append(others, a.Along...))
				weak.stopped = append(weak.stopped, a)
			}
		}
	}
	return all
}

// canRemove says whether the driver can leave off all that stops an attack, each by itself.
func (s Suite) canRemove(a Attack) bool {
	if s.OwnKernel && a.Kept != "" {
		return false
	}
	if s.Removable == nil {
		return true
	}
	for _, p := range slices.Concat(a.Without, a.Along) {
		if !slices.Contains(s.Removable, p) {
			return false
		}
	}
	return true
}

func newArena(t *testing.T, s Suite, code string, without ...string) *arena {
	config := newConfig(t, without...)
	config.Preload = preloads(code)
	driver := s.driver(t, config)
	r := &rig{
		T: t, suite: s, config: config, driver: driver, template: prepare(t, driver, s.base()),
		code: code, boxes: new(atomic.Int64),
	}
	a := &arena{rig: r}
	if s.Preloads && len(without) == 0 {
		a.waiting = r.preloading("wait")
	}
	return a
}

// of is the arena for one attack, whose boxes end with t.
func (a *arena) of(t *testing.T) *arena {
	r := *a.rig
	r.T = t
	return &arena{rig: &r, waiting: a.waiting, secret: "secret-of-" + r.id()}
}

// judge runs an attack, expects that it succeeds or fails, and returns its report.
func (a *arena) judge(attack Attack, success bool, without []string) Outcome {
	a.Helper()
	o := a.attack(attack)
	won := o.OK
	if attack.Won != nil {
		won = attack.Won(a, o)
	}
	if won != success {
		a.Errorf("attacker's success = %v, want %v\nsuccess would be: %s\nwithout: %q\nreport: %+v", won, success, attack.Success, without, o)
	}
	return o
}

// bound is the rig's, or a box in which the attacker waits.
func (a *arena) bound(changes ...func(*sandbox.Workload)) sandbox.Sandbox {
	a.Helper()
	if !a.waited {
		return a.rig.bound(changes...)
	}
	box := a.madeOf(a.waiting)
	a.bindPreloaded(box, changes...)
	return box
}

func (a *arena) attack(attack Attack) Outcome {
	a.box = a.bound()
	args := []string{attack.Name}
	if attack.Plant != nil {
		args = attack.Plant(a)
	}
	if a.waited {
		return a.outcome(a.ranPreloaded(a.box, args...))
	}
	return a.attempt(a.box, args...)
}

// kernelRefuses says that this kernel refuses an attack to everybody.
func (a Attack) kernelRefuses(t *testing.T, code string) bool {
	if !a.Kernel {
		return false
	}
	args := a.Plant(&arena{rig: &rig{T: t}})
	out, err := exec.Command(filepath.Join(code, "probe"), args...).Output()
	if err == nil && strings.HasPrefix(string(out), `{"OK":true`) {
		return false
	}
	t.Logf("%s: the host's kernel refuses this to root, too: %s %v", a.Name, out, err)
	return true
}

// with returns a Plant that needs nothing but arguments.
func with(args ...any) func(*arena) []string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = fmt.Sprint(arg)
	}
	return func(*arena) []string { return words }
}

// gotSecret judges attacks that steal.
func gotSecret(a *arena, o Outcome) bool { return strings.Contains(o.Value, a.secret) }
