package light_test

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

// BenchmarkCycle makes and closes boxes that nobody uses, so many at once. It tells the
// time of each half, and the CPU time of this process and of what it has reaped for one box.
func BenchmarkCycle(b *testing.B) {
	tmpl := prepare(b, newDriver(b))
	for _, workers := range []int{1, 2, 4} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			var l laps
			var all sync.WaitGroup
			began := time.Now()
			before := cpuTime()
			for w := range workers {
				all.Go(func() {
					for i := 0; i < b.N; i++ {
						l.cycle(b, tmpl, fmt.Sprintf("cycle-%d-%d", w, i))
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(workers*b.N)/time.Since(began).Seconds(), "boxes/s")
			b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(workers*b.N), "own-cpu-µs")
			l.report(b)
		})
	}
}

func (l *laps) cycle(b *testing.B, tmpl sandbox.Template, id string) {
	at := time.Now()
	s, err := tmpl.Create(b.Context(), id)
	if err != nil {
		b.Error(err)
		return
	}
	made := time.Now()
	closeBox(b, s)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.create, l.end = append(l.create, made.Sub(at)), append(l.end, time.Since(made))
}

func cpuTime() time.Duration {
	var total time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		_ = syscall.Getrusage(who, &u)
		total += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return total
}
