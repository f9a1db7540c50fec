package light_test

import (
	"strings"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
)

func TestRunsACommandAsTheFunctionUser(t *testing.T) {
	s := newBox(t, workload())
	r := sh(t, s, `id -u; id -g; id -un; hostname; cat /proc/self/oom_score_adj; grep -E 'Cap|NoNew|Seccomp:' /proc/self/status`)
	for _, want := range []string{"993\n", "990\n", "sbx_user1051\n", "sandbox\n", "500\n", "NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("output lacks %q: %s", want, r.out)
		}
	}
	if r.exit != (sandbox.Exit{}) {
		t.Errorf("exit = %+v", r.exit)
	}
}
