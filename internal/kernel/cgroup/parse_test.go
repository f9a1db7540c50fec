package cgroup

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMembership(t *testing.T) {
	text := "4:memory:/a:b/c\n3:cpu,cpuacct:/x\n1:name=systemd:/y\n0::/z\nbroken\n2:pids:/../../etc\n"
	for controller, want := range map[string]string{memory: "/a:b/c", cpu: "/x", cpuacct: "/x", pids: "/etc", freezer: ""} {
		if got, ok := membership(text, controller); got != want || ok != (want != "") {
			t.Errorf("membership(%s) = %q, %v, want %q", controller, got, ok, want)
		}
	}
}

func FuzzMembership(f *testing.F) {
	f.Add("4:memory:/a:b/c\n", "memory")
	f.Add("0::/\n", "")
	f.Add("4:memory", "memory")
	f.Add("4:memory:../../x", "memory")
	f.Fuzz(func(t *testing.T, text, controller string) {
		path, ok := membership(text, controller)
		if ok && (!strings.HasPrefix(path, "/") || slices.Contains(strings.Split(path, "/"), "..")) {
			t.Errorf("membership gave %q, which leads out of the mount", path)
		}
	})
}

func FuzzKernelText(f *testing.F) {
	f.Add("12\n0\n-4\nx\n99999999999999999999\n")
	f.Add("oom_kill 3\n")
	f.Add("pgfault 9223372036854775807\npgmajfault 1")
	f.Add("some avg10=0.00 avg60=0.00 avg300=0.00 total=9223372036854775807\n")
	f.Add("8:0 rbytes=4096 wbytes=-1\n7:0 rbytes=1\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, pid := range parsePids(text) {
			if pid <= 0 {
				t.Errorf("pid %d would signal a whole group of processes", pid)
			}
		}
		if d, _ := runDelay([]byte(text)); d < 0 {
			t.Errorf("%q is a delay of %v", text, d)
		}
		var u Usage
		for _, take := range []func([]byte, *Usage) error{takeMemory, takePeak, takeOOMKills, takeCPU, takeThrottledV1, takeCPUV2, takeFaults, takeWaiting, takeBytes} {
			_ = take([]byte(text), &u)
		}
		if u.Memory < 0 || u.OOMKills < 0 || u.CPU < 0 || u.Throttled.Value < 0 || u.Faults.Value < 0 || u.Waiting.Value < 0 || u.ReadBytes.Value < 0 {
			t.Errorf("%q was read as %+v", text, u)
		}
	})
}

func TestRunDelay(t *testing.T) {
	for text, want := range map[string]time.Duration{"176746905 16362374 469\n": 16362374, "0 0 1\n": 0} {
		if got, ok := runDelay([]byte(text)); got != want || !ok {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
	for _, bad := range []string{"", "1", "1 2", "1 x 3", "1 -2 3"} {
		if got, ok := runDelay([]byte(bad)); ok {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

func TestField(t *testing.T) {
	text := []byte("oom_kill_disable 0\nunder_oom 0\noom_kill 12\n")
	if got, ok := field(text, "oom_kill"); got != 12 || !ok {
		t.Errorf("field = %d, %v, want 12", got, ok)
	}
	if got, ok := field(text, "missing"); ok {
		t.Errorf("field = %d of one that is missing", got)
	}
}

func TestSharesOf(t *testing.T) {
	for weight, want := range map[uint64]uint64{1: 10, 50: 512, 100: 1024, 10000: 102400} {
		if got := sharesOf(weight); got != want {
			t.Errorf("sharesOf(%d) = %d, want %d", weight, got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	l := Limits{Memory: 1 << 20, Pids: 7, CPUWeight: 200, CPUQuota: 0.5}
	got := map[string]string{}
	for _, controller := range []string{memory, pids, cpu, freezer} {
		for _, s := range settings(controller, 1, l) {
			got[s.file] = s.value
		}
	}
	want := map[string]string{
		"memory.limit_in_bytes": "1048576", "memory.memsw.limit_in_bytes": "1048576", "pids.max": "7", "cpu.shares": "2048", "cpu.cfs_quota_us": "50000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("v1 settings (-want +got):\n%s", diff)
	}
}

func TestBadLimits(t *testing.T) {
	for _, l := range []Limits{{Memory: -1}, {Pids: -1}, {CPUWeight: 10001}, {CPUQuota: -1}, {CPUQuota: math.NaN()}, {CPUQuota: math.Inf(1)}} {
		if l.check() == nil {
			t.Errorf("%+v was taken", l)
		}
	}
}

func TestNoLayout(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "mount -t cgroup2") {
		t.Errorf("Open of an empty folder: %v, want what to do", err)
	}
}
