package light_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// TestClassIsInTheKernel holds the weights that the scheduler really has, for a box that
// is bound in one class and put into the other, and back.
func TestClassIsInTheKernel(t *testing.T) {
	w := workload()
	w.CPUWeight, w.Class = 1600, lambda.ClassBatch
	s := newBox(t, w)
	weights := map[lambda.Class]weight{lambda.ClassLatency: {"16384", "1600"}, lambda.ClassBatch: {"164", "16"}}
	for _, step := range []lambda.Class{lambda.ClassBatch, lambda.ClassLatency, lambda.ClassBatch} {
		if err := s.(sandbox.Classed).SetClass(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		weighs(t, step.String(), weights[step])
	}
}

// TestTurnIsInTheKernel holds the weights and slices that the scheduler really has. What is asked for
// again, and what the class forbids, changes nothing.
func TestTurnIsInTheKernel(t *testing.T) {
	w := workload()
	w.CPUWeight = 200
	s := newBox(t, w)
	own := sliceOf(t)
	usual, ahead, batch := weight{"2048", "200"}, weight{"65536", "6400"}, weight{"20", "2"}
	const short = 100 * time.Microsecond
	for _, step := range []struct {
		name  string
		class lambda.Class
		turn  sandbox.Turn
		want  weight
		slice time.Duration
	}{
		{"short", lambda.ClassLatency, sandbox.Turn{Slice: short}, usual, short},
		{"ahead", lambda.ClassLatency, sandbox.Turn{Slice: short, Ahead: true}, ahead, short},
		{"ahead, batch", lambda.ClassBatch, sandbox.Turn{Slice: short, Ahead: true}, batch, short},
		{"ahead again", lambda.ClassLatency, sandbox.Turn{Slice: short, Ahead: true}, ahead, short},
		{"long", lambda.ClassLatency, sandbox.Turn{Slice: 24 * time.Millisecond}, usual, 24 * time.Millisecond},
		{"as it was", lambda.ClassLatency, sandbox.Turn{}, usual, own},
	} {
		if err := s.(sandbox.Classed).SetClass(t.Context(), step.class); err != nil {
			t.Fatal(err)
		}
		if err := s.(sandbox.Scheduled).SetTurn(t.Context(), step.turn); err != nil {
			t.Fatal(err)
		}
		weighs(t, step.name, step.want)
		if got := sliceOf(t); got != step.slice && own != 0 { // Linux before 6.12 has none
			t.Errorf("%s: a slice of %v, want %v", step.name, got, step.slice)
		}
	}
}

// weight is one of a group, as v1 writes it and as v2 does.
type weight struct{ v1, v2 string }

// weighs holds the weight of the one box of this test.
func weighs(t *testing.T, when string, want weight) {
	t.Helper()
	text := want.v1
	dir := groupOf(t)
	file := filepath.Join(dir, "cpu.shares")
	if _, err := os.Stat(file); err != nil {
		file, text = filepath.Join(dir, "cpu.weight"), want.v2
	}
	got, err := os.ReadFile(file)
	if err != nil || strings.TrimSpace(string(got)) != text {
		t.Errorf("%s: %s = %s, %v, want %s", when, filepath.Base(file), got, err, text)
	}
}

// groupOf is the folder of the one box of this test that has its weight.
func groupOf(t *testing.T) string {
	t.Helper()
	for _, pattern := range []string{"/sys/fs/cgroup/cpu*/lambent/test-%/*/cpu.shares", "/sys/fs/cgroup/lambent/test-%/*/cpu.weight"} {
		if found, _ := filepath.Glob(strings.Replace(pattern, "%", id(t), 1)); len(found) > 0 {
			return filepath.Dir(found[0])
		}
	}
	t.Skip("this host has no cgroup cpu controller")
	return ""
}

// sliceOf is the slice of the first process of the box.
func sliceOf(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(groupOf(t), "cgroup.procs"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.Fields(string(text))[0])
	if err != nil {
		t.Fatal(err)
	}
	attr, err := unix.SchedGetAttr(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(attr.Runtime)
}
