package lambent

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func TestHeldReadsTheReceipt(t *testing.T) {
	for usage, want := range map[string]time.Duration{
		"memory=38797312, cpu=1.234, throttled=0.000":         0,
		"memory=38797312, cpu=1.234, throttled=12.500":        12500 * time.Microsecond,
		"memory=1, cpu=1.234, throttled=12.500, waiting=3.00": 12500 * time.Microsecond,
		"": 0, "throttled=": 0, "throttled=x": 0,
	} {
		if got := held(usage); got != want {
			t.Errorf("%q: %v, want %v", usage, got, want)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add("memory=1, cpu=1.234, throttled=12.500", []byte(`{"born":5}`))
	f.Add("throttled=1e309", []byte(`{"Reason":"x","born":-1}`))
	f.Fuzz(func(t *testing.T, usage string, body []byte) {
		held(usage)
		if reason(body) == "" {
			t.Error("a throttle without any reason")
		}
		if bornAfter(body, 1<<62) && !bornAfter(body, 0) {
			t.Error("born after a later moment and not after an earlier one")
		}
	})
}

func TestOnlyALaterImportIsFresh(t *testing.T) {
	for body, want := range map[string]bool{
		`{"born": 101, "result": 1}`: true, `{"born": 100}`: false, `{"born": 99}`: false,
		`{"result": 1}`: false, `{"born": "101"}`: false, ``: false, `[101]`: false,
	} {
		if got := bornAfter([]byte(body), 100); got != want {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
}

func TestReasonIsAWS(t *testing.T) {
	if got := reason([]byte(`{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User"}`)); got != "ReservedFunctionConcurrentInvocationLimitExceeded" {
		t.Error(got)
	}
	if got := reason([]byte(`<html>`)); got != "without a reason" {
		t.Error(got)
	}
}

// A program may call itself anything, also what looks like the end of its name.
func TestParentsAreFoundWhateverAProgramIsCalled(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("this host lacks sleep")
	}
	odd := filepath.Join(t.TempDir(), "a) S 1 (b")
	if err := os.Symlink(sleep, odd); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(odd, "30")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	all, err := parents()
	if err != nil {
		t.Fatal(err)
	}
	if all[child.Process.Pid] != os.Getpid() || !descends(all, child.Process.Pid, os.Getpid()) || descends(all, os.Getpid(), child.Process.Pid) {
		t.Errorf("the parent of %d is %d, not %d", child.Process.Pid, all[child.Process.Pid], os.Getpid())
	}
	if got, ok := parentOf("/proc/" + strconv.Itoa(child.Process.Pid)); !ok || got != os.Getpid() {
		t.Errorf("parent %d, %v", got, ok)
	}
}

func TestMemoryOfAProcess(t *testing.T) {
	m, err := memoryOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if m.PSS < 1000 || m.Private < 1000 || m.Private > m.PSS {
		t.Errorf("%+v KiB", m)
	}
	if _, err := memoryOf(1 << 30); err == nil {
		t.Error("the memory of nobody")
	}
}
