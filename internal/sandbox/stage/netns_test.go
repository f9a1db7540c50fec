package stage_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/kernel/netns"
	"lambent.dev/lambent/internal/sandbox/stage"
)

// TestInsideStartsThere: what is started inside is there, and what is started after it is not.
func TestInsideStartsThere(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	s, err := stage.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer s.End()
	ns, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	where := func(ns *os.File) (said string) {
		err := s.Do(context.Background(), func() error {
			return stage.Inside(ns, func() error {
				out, err := exec.Command("readlink", "/proc/self/ns/net").Output()
				said = strings.TrimSpace(string(out))
				return err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	home, inside, again := where(nil), where(ns), where(nil)
	if home == inside || home != again {
		t.Errorf("at home %s, inside %s, then %s", home, inside, again)
	}
}
