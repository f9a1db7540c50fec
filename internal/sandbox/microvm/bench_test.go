package microvm_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

// BenchmarkStart takes the steps of a start apart: what a guest costs before its function's code
// runs, and a shell's first answer.
func BenchmarkStart(b *testing.B) {
	d, template := newTemplate(b)
	code := b.TempDir()
	if err := os.WriteFile(code+"/app.py", []byte("print(1)\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	spent := map[string]time.Duration{}
	step := func(name string, f func() error) {
		began := time.Now()
		if err := f(); err != nil {
			b.Fatal(name, err)
		}
		spent[name] += time.Since(began)
	}
	for n := 0; b.Loop(); n++ {
		var box sandbox.Sandbox
		step("create", func() (err error) {
			box, err = template.Create(b.Context(), fmt.Sprintf("bench-%d-%d", os.Getpid(), n))
			return err
		})
		w := sandbox.Workload{Name: "bench", Mounts: []sandbox.Mount{{Source: code, Target: "/var/task"}}, Memory: 128 << 20, Pids: 64}
		step("bind", func() error { return box.Bind(b.Context(), w) })
		for _, name := range []string{"first", "second"} {
			step(name, func() error {
				p, err := box.Run(b.Context(), sandbox.Command{Path: "/bin/true"})
				if err == nil {
					<-p.Done()
				}
				return err
			})
		}
		step("close", func() error { return box.Close(context.Background()) })
	}
	for name, d := range spent {
		b.ReportMetric(float64(d.Microseconds())/1000/float64(b.N), name+"-ms")
	}
	if err := template.Close(); err != nil {
		b.Fatal(err)
	}
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}
