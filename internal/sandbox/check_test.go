package sandbox

import (
	"strings"
	"testing"
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
