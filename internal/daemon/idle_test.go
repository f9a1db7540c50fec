package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/code"
)

// idle is how many functions are deployed and do nothing.
const idle = 100_000

// settle is how long after it is ready a server is looked at: it reads all functions again
// to find unused packages, and gives memory back that starting took.
const settle = 10 * time.Second

// BenchmarkIdle is what 100,000 functions that do nothing cost: the server's resident
// memory when it is ready and somewhat later, and the time until it is ready.
//
//	go test ./internal/daemon -run '^$' -bench Idle -benchtime 1x
func BenchmarkIdle(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root: the tier light does")
	}
	program, data := buildLambent(b), b.TempDir()
	storeFunctions(b, data, idle)
	decide(b, data, idle)
	var first, later, peak int
	var took time.Duration
	for b.Loop() {
		took = whileReady(b, program, data, func(server *os.Process, _ string) {
			first = memory(b, server, "VmRSS")
			time.Sleep(settle)
			later, peak = memory(b, server, "VmRSS"), memory(b, server, "VmHWM")
		})
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(first)/1000, "ready-MB")
	b.ReportMetric(float64(later)/1000, "idle-MB")
	b.ReportMetric(float64(peak)/1000, "peak-MB")
	b.ReportMetric(float64(took.Milliseconds()), "ready-ms")
}

// decide notes that the functions' packages gain nothing from being compiled: those of a
// server that has run for a while are compiled, or known not to gain.
func decide(b *testing.B, data string, n int) {
	b.Helper()
	packages, err := code.New(filepath.Join(data, "code"), nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		v := aFunction(i).Latest
		if err := packages.NoVariant(v.Code.Digest, v.Runtime); err != nil {
			b.Fatal(err)
		}
	}
}

// memory reads a line of /proc/PID/status (proc(5)), in kB.
func memory(b *testing.B, server *os.Process, line string) (kb int) {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", server.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), line+":")
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		b.Fatal(err)
	}
	return kb
}
