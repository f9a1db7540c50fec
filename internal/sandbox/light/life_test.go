package light_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/sandbox"
)

func TestABoxOutlivesItsTemplate(t *testing.T) {
	d := newDriver(t)
	tmpl, err := d.Prepare(t.Context(), base())
	if err != nil {
		t.Fatal(err)
	}
	s := create(t, tmpl)
	for range 2 {
		if err := tmpl.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tmpl.Create(t.Context(), "late"); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("Create after Close: %v", err)
	}
	if err := s.Bind(t.Context(), workload()); err != nil {
		t.Fatal(err)
	}
	if r := sh(t, s, "echo alive"); r.out != "alive\n" {
		t.Errorf("the box said %q", r.out)
	}
}

func TestBoxesHaveIDsOfTheirOwn(t *testing.T) {
	tmpl := prepare(t, newDriver(t))
	seen := map[string]bool{}
	for i := range 3 {
		s, err := tmpl.Create(t.Context(), fmt.Sprintf("%s-%d", id(t), i))
		if err != nil {
			t.Fatal(err)
		}
		defer closeBox(t, s)
		if err := s.Bind(t.Context(), workload()); err != nil {
			t.Fatal(err)
		}
		ids := sh(t, s, "cat /proc/self/uid_map").out
		if fields := strings.Fields(ids); len(fields) != 3 || fields[0] != "0" || fields[1] == "0" || seen[fields[1]] {
			t.Errorf("uid map %q", ids)
		} else {
			seen[fields[1]] = true
		}
	}
}

func TestTakenAndBadIDsAreRefused(t *testing.T) {
	tmpl := prepare(t, newDriver(t))
	create(t, tmpl)
	if _, err := tmpl.Create(t.Context(), id(t)); err == nil {
		t.Error("two boxes have one id")
	}
	for _, bad := range []string{"", "a/b", "..", "a b", strings.Repeat("a", 65)} {
		if _, err := tmpl.Create(t.Context(), bad); err == nil {
			t.Errorf("id %q was taken", bad)
		}
	}
}

func TestManyAtOnceLeaveNothing(t *testing.T) {
	d := newDriver(t)
	goroutines, open := runtime.NumGoroutine(), descriptors(t)
	tmpl, err := d.Prepare(t.Context(), base())
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			s, err := tmpl.Create(t.Context(), fmt.Sprintf("%s-%d", id(t), i))
			if err != nil {
				t.Error(err)
				return
			}
			defer closeBox(t, s)
			if err := s.Bind(t.Context(), workload()); err != nil {
				t.Error(err)
				return
			}
			if r := sh(t, s, "echo $((6*7))"); r.out != "42\n" {
				t.Errorf("a box said %q", r.out)
			}
		})
	}
	all.Wait()
	if err := tmpl.Close(); err != nil {
		t.Error(err)
	}
	waitFor(t, func() bool { return runtime.NumGoroutine() <= goroutines && descriptors(t) <= open })
}

func TestAnInitThatDiesIsNamed(t *testing.T) {
	s := newBox(t, workload())
	p, err := s.Run(t.Context(), sandbox.Command{Path: "/bin/sleep", Args: []string{"100"}})
	if err != nil {
		t.Fatal(err)
	}
	host, err := cgroup.Open("/sys/fs/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	// Whatever kills it: here its group is reaped as a dead owner's.
	if err := host.Reap(func(owner string) bool { return owner != "test-"+id(t) }); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	<-p.Done()
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "ended by itself") {
		t.Errorf("Err = %v", err)
	}
	if _, err := s.Run(t.Context(), sandbox.Command{Path: "/bin/true"}); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("Run after the end: %v", err)
	}
}

func descriptors(t testing.TB) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
