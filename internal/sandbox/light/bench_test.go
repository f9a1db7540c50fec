package light_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

// BenchmarkColdStart is the life of a box whose function is a static Go program:
// Create ahead of the request, Bind and Run until the first byte of output, Close.
func BenchmarkColdStart(b *testing.B) {
	code := b.TempDir()
	source := filepath.Join(b.TempDir(), "main.go")
	const program = "package main\nimport \"os\"\nfunc main() { os.Stdout.WriteString(\"x\"); select {} }\n"
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		b.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(code, "bootstrap"), source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	_ = os.Chmod(code, 0o755)
	w := workload()
	w.Mounts = []sandbox.Mount{{Source: code, Target: "/var/task"}}
	tmpl := prepare(b, newDriver(b))
	// Flat is back to back, where refilling the pools competes; idle waits before each.
	for name, pause := range map[string]time.Duration{"flat": 0, "idle": 100 * time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			var l laps
			for i := 0; b.Loop(); i++ {
				time.Sleep(pause)
				l.once(b, tmpl, w, i)
			}
			l.report(b)
		})
	}
}

// laps are the times of each step.
type laps struct{ create, bind, first, end []time.Duration }

func (l *laps) once(b *testing.B, tmpl sandbox.Template, w sandbox.Workload, i int) {
	at := time.Now()
	lap := func(to *[]time.Duration) {
		now := time.Now()
		*to = append(*to, now.Sub(at))
		at = now
	}
	s, err := tmpl.Create(b.Context(), fmt.Sprintf("bench-%d", i))
	if err != nil {
		b.Fatal(err)
	}
	lap(&l.create)
	if err := s.Bind(b.Context(), w); err != nil {
		b.Fatal(err)
	}
	lap(&l.bind)
	said := make(chan struct{})
	_, err = s.Run(b.Context(), sandbox.Command{Path: "/var/task/bootstrap", Stdout: signal(said)})
	if err != nil {
		b.Fatal(err)
	}
	<-said
	lap(&l.first)
	closeBox(b, s)
	lap(&l.end)
}

func (l *laps) report(b *testing.B) {
	b.ReportMetric(0, "ns/op")
	for name, all := range map[string][]time.Duration{
		"create": l.create, "bind": l.bind, "run-to-byte": l.first, "close": l.end,
	} {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), name+"-p50-µs")
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), name+"-p99-µs")
	}
}

// signal is a Writer that closes a channel with the first byte.
type signal chan struct{}

func (s signal) Write(p []byte) (int, error) {
	close(s)
	return len(p), nil
}
