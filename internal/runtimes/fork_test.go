package runtimes

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// forks is what tests/fork_numbers.py prints.
type forks struct {
	PID      int              `json:"pid"`
	Children []map[string]any `json:"children"`
}

func forkNumbers(t *testing.T, c *Catalogue, id string, args ...string) forks {
	t.Helper()
	found, err := c.interpreter(id)
	if err != nil {
		t.Fatal(err)
	}
	command := append([]string{"--pid", "--fork", found.Path, "python/tests/fork_numbers.py"}, args...)
	out, err := exec.Command("unshare", command...).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
	}
	var f forks
	if err := json.Unmarshal(out, &f); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return f
}

// TestForksOfOnePIDShareNoRandomNumbers: OpenSSL 3 tells a forked process by its pid, which
// in a box can be the zygote's. It must have given out nothing before.
func TestForksOfOnePIDShareNoRandomNumbers(t *testing.T) {
	everyPython(t, func(t *testing.T, c *Catalogue, id string) {
		f := forkNumbers(t, c, id)
		seen := map[any]bool{}
		for _, child := range f.Children {
			for source, number := range child {
				if source == "pid" {
					if int(number.(float64)) != f.PID {
						t.Errorf("a child has pid %v, the zygote %d: this shows nothing", number, f.PID)
					}
					continue
				}
				if seen[number] {
					t.Errorf("%s gave %v twice", source, number)
				}
				seen[number] = true
			}
		}
		if len(seen) != 3*6 {
			t.Errorf("%d numbers", len(seen))
		}
	})
}

// TestUsedGeneratorWouldBeShared shows that the test above can fail: it finds numbers that
// are shared where a zygote has used OpenSSL 3.
func TestUsedGeneratorWouldBeShared(t *testing.T) {
	shared := 0
	everyPython(t, func(t *testing.T, c *Catalogue, id string) {
		f := forkNumbers(t, c, id, "used")
		if f.Children[0]["RAND_bytes"] == f.Children[1]["RAND_bytes"] {
			shared++
		}
	})
	if !t.Failed() && shared == 0 {
		t.Skip("no interpreter of this host has an OpenSSL that tells forks by their pids")
	}
}
