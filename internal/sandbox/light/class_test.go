package light_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// TestClassIsInTheKernel holds the weights that the scheduler really has, for a box that
// is bound in one class and put into the other, and back.
func TestClassIsInTheKernel(t *testing.T) {
	w := workload()
	w.CPUWeight, w.Class = 1600, lambda.ClassBatch
	s := newBox(t, w)
	file, weights := weightFile(t)
	for _, step := range []lambda.Class{lambda.ClassBatch, lambda.ClassLatency, lambda.ClassBatch} {
		if err := s.(sandbox.Classed).SetClass(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if got := strings.TrimSpace(string(text)); err != nil || got != weights[step] {
			t.Errorf("%s: %s = %s, %v, want %s", step, filepath.Base(file), got, err, weights[step])
		}
	}
}

// weightFile finds the one box of this test, and says what its weight is in each class.
func weightFile(t *testing.T) (string, map[lambda.Class]string) {
	t.Helper()
	for pattern, weights := range map[string]map[lambda.Class]string{
		"/sys/fs/cgroup/cpu*/lambent/test-%/*/cpu.shares": {lambda.ClassLatency: "16384", lambda.ClassBatch: "164"},
		"/sys/fs/cgroup/lambent/test-%/*/cpu.weight":      {lambda.ClassLatency: "1600", lambda.ClassBatch: "16"},
	} {
		if found, _ := filepath.Glob(strings.Replace(pattern, "%", id(t), 1)); len(found) > 0 {
			return found[0], weights
		}
	}
	t.Skip("this host has no cgroup cpu controller")
	return "", nil
}
