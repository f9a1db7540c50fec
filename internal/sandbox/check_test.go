package sandbox

import (
	"errors"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

// What would give a box no limit, a folder that nobody meant, or one over another, is refused.
func TestWorkloadIsChecked(t *testing.T) {
	targets := []string{"/var/task", "/opt"}
	task, opt := Mount{"/a", "/var/task"}, Mount{"/b", "/opt"}
	for want, w := range map[string]Workload{
		"":                       {Memory: 1, Pids: 1, Mounts: []Mount{task, opt}},
		"memory 0, pids 1":       {Pids: 1},
		"memory 1, pids -1":      {Memory: 1, Pids: -1},
		"mount a at /var/task":   {Memory: 1, Pids: 1, Mounts: []Mount{{"a", "/var/task"}}},
		"mount /a at /etc":       {Memory: 1, Pids: 1, Mounts: []Mount{{"/a", "/etc"}}},
		"mount /a at /opt/../..": {Memory: 1, Pids: 1, Mounts: []Mount{{"/a", "/opt/../.."}}},
		"mount /b at /opt":       {Memory: 1, Pids: 1, Mounts: []Mount{{"/a", "/opt"}, opt}},
	} {
		err := w.Check(targets)
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", w, err, want)
		}
	}
}

// What a person is told has what is there, what has to be and what to do.
func TestMissing(t *testing.T) {
	disk := Check{Name: "free disk", Required: true, Found: "159 MiB", Needed: "1024 MiB or more", Fix: "free some"}
	kernel := Check{Name: "kernel", Required: true, Found: "4.4", Fix: "use a newer one"}
	err := Missing(lambda.TierLight, []Check{disk, kernel, {Name: "optional"}, {Name: "there", Required: true, OK: true}})
	want := "isolation light is not available on this host: free disk (found: 159 MiB; needed: 1024 MiB or more): free some; kernel (found: 4.4): use a newer one"
	if err == nil || !errors.Is(err, ErrUnavailable) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
