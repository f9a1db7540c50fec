package light_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
)

// TestManyBoxesInFewDescriptors has boxes that run something and were measured, as idle
// instances have, as many as would not fit if each kept its counters open: then they hold
// about twenty descriptors each, else ten.
func TestManyBoxesInFewDescriptors(t *testing.T) {
	const boxes, limit = 50, 900
	limitDescriptors(t, limit)
	tmpl := prepare(t, newDriver(t))
	all := make([]sandbox.Sandbox, boxes)
	for i := range all {
		all[i] = idleBox(t, tmpl, fmt.Sprintf("%s-%d", id(t), i))
	}
	for i, s := range all { // who gave way is measured again
		if u, err := s.Usage(t.Context()); err != nil || u.Memory == 0 {
			t.Errorf("box %d: %d bytes, %v", i, u.Memory, err)
		}
	}
}

// idleBox is one whose program waits. It has been measured.
func idleBox(t *testing.T, tmpl sandbox.Template, id string) sandbox.Sandbox {
	t.Helper()
	s, err := tmpl.Create(t.Context(), id)
	if err != nil {
		t.Fatalf("creating %s: %v", id, err)
	}
	t.Cleanup(func() { closeBox(t, s) })
	if err := s.Bind(t.Context(), workload()); err != nil {
		t.Fatalf("binding %s: %v", id, err)
	}
	if _, err := s.Listen(t.Context(), "127.0.0.1:9001"); err != nil {
		t.Fatalf("listening in %s: %v", id, err)
	}
	sleep := sandbox.Command{Path: "/bin/sleep", Args: []string{"600"}, Stdout: t.Output(), Stderr: t.Output(), Stream: true}
	if _, err := s.Run(t.Context(), sleep); err != nil {
		t.Fatalf("running in %s: %v", id, err)
	}
	if _, err := s.Usage(t.Context()); err != nil {
		t.Fatalf("measuring %s: %v", id, err)
	}
	return s
}

// limitDescriptors holds for this process until the test's end.
func limitDescriptors(t *testing.T, most uint64) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if before.Cur < most {
		t.Skipf("this process may have %d descriptors, the test needs %d", before.Cur, most)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	})
}
