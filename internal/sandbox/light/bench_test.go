package light_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

// BenchmarkColdStart is the life of a box whose function is a static Go program:
// Create ahead of the request, Bind and Run until the first byte of output, writing to
// /tmp, Close.
func BenchmarkColdStart(b *testing.B) {
	w := benchWorkload(b)
	tmpl := prepare(b, newDriver(b))
	// Flat is back to back, where refilling the pools competes; idle waits before each;
	// a burst waits and then starts that many at once.
	for _, bb := range []struct {
		name  string
		pause time.Duration
		burst int
	}{{"flat", 0, 1}, {"idle", 150 * time.Millisecond, 1}, {"burst-10", 150 * time.Millisecond, 10}, {"burst-50", 150 * time.Millisecond, 50}} {
		b.Run(bb.name, func(b *testing.B) {
			var l laps
			for i := 0; b.Loop(); i++ {
				time.Sleep(bb.pause)
				var all sync.WaitGroup
				for n := range bb.burst {
					all.Go(func() { l.once(b, tmpl, w, fmt.Sprintf("bench-%d-%d", i, n)) })
				}
				all.Wait()
			}
			l.report(b)
		})
	}
}

func benchWorkload(b *testing.B) sandbox.Workload {
	code := b.TempDir()
	source := filepath.Join(b.TempDir(), "main.go")
	const program = `package main
import "os"
func main() {
	os.Stdout.WriteString("x")
	os.WriteFile("/tmp/x", make([]byte, 4<<20), 0o600)
	select {}
}`
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
	return w
}

// laps are the times of each step.
type laps struct {
	mu                       sync.Mutex // guards what follows
	create, bind, first, end []time.Duration
}

func (l *laps) once(b *testing.B, tmpl sandbox.Template, w sandbox.Workload, id string) {
	at := time.Now()
	lap := func(to *[]time.Duration) {
		now := time.Now()
		l.mu.Lock()
		defer l.mu.Unlock()
		*to = append(*to, now.Sub(at))
		at = now
	}
	s, err := tmpl.Create(b.Context(), id)
	if err != nil {
		b.Error(err)
		return
	}
	lap(&l.create)
	if err := s.Bind(b.Context(), w); err != nil {
		b.Error(err)
		return
	}
	lap(&l.bind)
	said := make(chan struct{})
	_, err = s.Run(b.Context(), sandbox.Command{Path: "/var/task/bootstrap", Stdout: signal(said)})
	if err != nil {
		b.Error(err)
		return
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
		if len(all) == 0 {
			continue
		}
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
