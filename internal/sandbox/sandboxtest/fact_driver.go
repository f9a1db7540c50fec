package sandboxtest

import (
	"errors"
	"strings"

	"lambent.dev/lambent/internal/sandbox"
)

var errCaller = errors.New("the caller left")

func driverFacts() []fact {
	return []fact{
		{name: "ProbeSaysTier", test: probeSaysTier},
		{name: "ProbeSaysHowToFix", test: probeSaysHowToFix},
		{name: "ProbeTellsFreezers", test: probeTellsFreezers},
		{name: "PrepareRefusesUnknownRoot", test: prepareRefusesUnknownRoot},
		{name: "PrepareEndsWithContext", test: prepareEndsWithContext},
		{name: "ReapKeepsTheLiving", test: reapKeepsTheLiving},
		{name: "ReapEndsTheDead", test: reapEndsTheDead},
		{name: "ReapWithNothingToDo", test: reapWithNothingToDo},
	}
}

func probeSaysTier(r *rig) {
	f, err := r.driver.Probe(r.ctx())
	if err != nil || f.Tier != r.suite.Tier {
		r.Errorf("Probe = %v, %v, want tier %v", f.Tier, err, r.suite.Tier)
	}
}

func probeSaysHowToFix(r *rig) {
	f, _ := r.driver.Probe(r.ctx()) // checked elsewhere
	if len(f.Checks) == 0 {
		r.Error("no checks for the doctor")
	}
	for _, c := range f.Checks {
		if c.Name == "" || c.OK != (c.Fix == "") {
			r.Errorf("check %+v: want a name, and a fix exactly when it is not OK", c)
		}
	}
}

func probeTellsFreezers(r *rig) {
	f, _ := r.driver.Probe(r.ctx()) // checked elsewhere
	if _, can := r.generic().(sandbox.Freezer); can != f.Freeze {
		r.Errorf("Features.Freeze = %v, but a box is a Freezer: %v", f.Freeze, can)
	}
}

func prepareRefusesUnknownRoot(r *rig) {
	b := r.suite.base()
	b.Root = "no-such-root"
	if _, err := r.driver.Prepare(r.ctx(), b); err == nil {
		r.Error("Prepare took a root that does not exist")
	}
}

func prepareEndsWithContext(r *rig) {
	_, err := r.driver.Prepare(r.cancelled(), r.suite.base())
	r.want("Prepare with a cancelled context", err, errCaller)
}

func reapKeepsTheLiving(r *rig) {
	box := r.bound()
	if err := r.driver.Reap(r.ctx(), r.alive); err != nil {
		r.Fatalf("Reap: %v", err)
	}
	if got := printed[string](r, box, "read", "/var/task/code.txt"); got != "the code" {
		r.Errorf("after Reap the box reads %q", got)
	}
}

// alive says that all owners of this suite live, and nobody else's business.
func (r *rig) alive(string) bool { return true }

func reapEndsTheDead(r *rig) {
	dead := *r
	dead.config.Owner = "dead-" + r.config.Owner[max(0, len(r.config.Owner)-40):]
	dead.driver = r.suite.driver(r, dead.config)
	dead.template = prepare(r, dead.driver, r.suite.base())
	p := r.start(dead.bound(), probe("sleep"))
	alive := func(owner string) bool { return owner != dead.config.Owner }
	if err := r.driver.Reap(r.ctx(), alive); err != nil {
		r.Fatalf("Reap: %v", err)
	}
	if e := r.exit(p); !killed(e) {
		r.Errorf("a dead owner's process ended with %+v, want SIGKILL", e)
	}
	for _, left := range Take(r, r.config.Dir).cgroups() {
		if strings.Contains(left, dead.config.Owner) {
			r.Errorf("left after Reap: %s", left)
		}
	}
}

func reapWithNothingToDo(r *rig) {
	config := newConfig(r)
	if err := r.suite.driver(r, config).Reap(r.ctx(), r.alive); err != nil {
		r.Errorf("Reap: %v", err)
	}
}
