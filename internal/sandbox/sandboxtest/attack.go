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
	Success string // what success of the attacker would look like

	// Without are the protections that stop it, each by itself: the attack fails as
	// long as one of them is there, and succeeds without all of them.
	Without []string
	// Along are taken away with them, because a box cannot have these without those.
	Along []string

	// Plant prepares what is attacked and returns the probe's arguments.
	Plant func(a *arena) []string
	// Won judges; nil takes the probe's word that the kernel let it.
	Won func(a *arena, o Outcome) bool
	// Kernel says that the attack depends on nothing but what the kernel offers: where
	// it fails for root on the host itself, it is skipped.
	Kernel bool
	// Harmless says why success is none where the kernel that answers is the box's own
	// (Suite.OwnKernel); "" = it would be.
	Harmless string
}

// arena is where an attack takes place.
type arena struct {
	*rig
	box    sandbox.Sandbox
	secret string // what must not be read, unique
	waited bool   // the attacker is adopted by what waited in the box
}

// Attack runs the attacks: against the whole driver, then with their protections
// taken away.
func (s Suite) Attack(t *testing.T) {
	s.require(t)
	code := buildProbe(t)
	plantSetID(t, code)
	before := Take(t, "")
	for _, a := range Attacks() {
		t.Run(a.Name, func(t *testing.T) { a.run(t, s, code) })
	}
	expectNoLeak(t, before)
}

func (a Attack) run(t *testing.T, s Suite, code string) {
	if s.OwnKernel && a.Harmless != "" {
		t.Logf("harmless here: %s", a.Harmless)
		return
	}
	a.skipWithoutKernel(t, code)
	t.Run("Stopped", func(t *testing.T) { a.expect(t, s, code, false) })
	if s.Preloads {
		t.Run("StoppedWhereItWaited", func(t *testing.T) { a.fromWhatWaited(t, s, code) })
	}
	if !s.canRemove(a) {
		return // another driver's run shows that it can succeed
	}
	if len(a.Without) > 1 {
		for _, p := range a.Without {
			others := slices.DeleteFunc(slices.Clone(a.Without), func(o string) bool { return o == p })
			t.Run("StoppedBy/"+p, func(t *testing.T) { a.expect(t, s, code, false, others...) })
		}
	}
	all := slices.Concat(a.Without, a.Along)
	t.Run("SucceedsWithout/"+strings.Join(all, "+"), func(t *testing.T) { a.expect(t, s, code, true, all...) })
}

// canRemove says whether the driver can leave off all that stops an attack, each by itself.
func (s Suite) canRemove(a Attack) bool {
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

// expect makes a driver without some protections and attacks it.
func (a Attack) expect(t *testing.T, s Suite, code string, success bool, without ...string) {
	a.judge(newArena(t, s, code, without...), success, without)
}

// fromWhatWaited attacks the whole driver from a process that was there before its code.
func (a Attack) fromWhatWaited(t *testing.T, s Suite, code string) {
	field := newArena(t, s, code)
	field.waited = true
	a.judge(field, false, nil)
}

func newArena(t *testing.T, s Suite, code string, without ...string) *arena {
	config := newConfig(t, without...)
	config.Preload = preloads(code)
	driver := s.driver(t, config)
	r := &rig{
		T: t, suite: s, config: config, driver: driver, template: prepare(t, driver, s.base()),
		code: code, boxes: new(atomic.Int64),
	}
	return &arena{rig: r, secret: "secret-of-" + config.Owner}
}

func (a Attack) judge(field *arena, success bool, without []string) {
	o := field.attack(a)
	won := o.OK
	if a.Won != nil {
		won = a.Won(field, o)
	}
	if won != success {
		field.Errorf("attacker's success = %v, want %v\nsuccess would be: %s\nwithout: %q\nreport: %+v", won, success, a.Success, without, o)
	}
}

// bound is the rig's, or a box in which the attacker waits.
func (a *arena) bound(changes ...func(*sandbox.Workload)) sandbox.Sandbox {
	a.Helper()
	if !a.waited {
		return a.rig.bound(changes...)
	}
	box := a.madeOf(a.preloading("wait"))
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

// skipWithoutKernel skips what this kernel refuses to everybody.
func (a Attack) skipWithoutKernel(t *testing.T, code string) {
	if !a.Kernel {
		return
	}
	args := []string{a.Name}
	if a.Plant != nil {
		args = a.Plant(&arena{rig: &rig{T: t}})
	}
	out, err := exec.Command(filepath.Join(code, "probe"), args...).Output()
	if err != nil || !strings.HasPrefix(string(out), `{"OK":true`) {
		t.Skipf("the host's kernel refuses this to root, too: %s %v", out, err)
	}
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
