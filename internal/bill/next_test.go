package bill

import (
	"strings"
	"testing"
	"time"
)

// Steps name the function that costs most, and only what is worth one.
func TestNext(t *testing.T) {
	wasteful := reportAt(moment, 10, 900) + reportAt(moment.Add(time.Second), 10, 0) // 1024 MB, 256 used
	o := options(t)
	o.Provisioned = map[string]int{"f": 3}
	said := strings.Join(write(t, o, from(wasteful)).Next(), "\n")
	for _, want := range []string{"what f does before its first request", "Try f with less than 1024 MB", "75 % of it", "fewer than 3 instances of f", "lambent tax --output json"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	o = options(t)
	o.Starts = []Start{{Tier: "light", P50: 2}}
	if steps := write(t, o, from(strings.ReplaceAll(reportAt(moment, 1000, 0), "Used: 256", "Used: 1000"))).Next(); len(steps) != 0 {
		t.Errorf("nothing is wasted, and still: %q", steps)
	}
	if steps := write(t, options(t), from("")).Next(); len(steps) != 0 {
		t.Errorf("nothing was read, and still: %q", steps)
	}
}
