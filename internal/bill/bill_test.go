package bill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/price"
)

func options(t *testing.T) Options {
	t.Helper()
	prices, err := price.Default()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Prices: prices, Architecture: "x86_64", KeepAlive: 5 * time.Minute, Temp: t.TempDir()}
}

func from(text string) Source {
	return Source{Name: "log", Function: "f", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

func write(t *testing.T, o Options, sources ...Source) *Statement {
	t.Helper()
	s, err := Write(context.Background(), sources, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// By hand: 103 ms × 512 MB = 52,736 MB·ms and 125 ms × 128 MB = 16,000 MB·ms, 68,736 in all
// or 0.067125 GB-s; INIT is 125 - 2 = 123 ms × 128 MB = 15,744 MB·ms; unused is 103 × 384 +
// 125 × 91 = 50,927 MB·ms.
func TestSums(t *testing.T) {
	s := write(t, options(t), from(warmLine+"\n"+coldLine+"\n"))
	near(t, "GB-seconds", s.Total.GBSeconds, 68736/1024.0/1000)
	near(t, "duration", s.Total.DurationUSD, 0.067125*0.0000166667)
	near(t, "requests", s.Total.RequestUSD, 2*0.0000002)
	near(t, "total", s.Total.USD, 0.067125*0.0000166667+0.0000004)
	near(t, "init", s.Total.InitUSD, 15744/1024.0/1000*0.0000166667)
	near(t, "unused", s.Total.UnusedShare, 50927.0/68736)
	near(t, "wait", s.Total.WaitSeconds, 0.12231)
	if s.Total.Cold != 1 || s.Total.Invocations != 2 || s.Here.Requests != 0 {
		t.Errorf("%+v", s)
	}
}

func reportAt(at time.Time, duration, init float64) string {
	billed := math.Ceil(duration + init)
	line := fmt.Sprintf("%s REPORT RequestId: x\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: 1024 MB\tMax Memory Used: 256 MB\t", at.Format(time.RFC3339Nano), duration, billed)
	if init > 0 {
		line += fmt.Sprintf("Init Duration: %.2f ms\t", init)
	}
	return line + "\n"
}

// Three requests a second apart, one that overlaps the third, and one after the keep-alive:
// three starts. The file is out of order, as parts of an export are.
func TestReplayCountsStarts(t *testing.T) {
	var b strings.Builder
	for _, after := range []float64{0, 400, 2, 2.05, 1} {
		b.WriteString(reportAt(moment.Add(time.Duration(after*float64(time.Second))), 100, 0))
	}
	o := options(t)
	o.Starts = []Start{{Tier: "light", P50: 2, IdleMB: 10}, {Tier: "microvm", Missing: "no KVM"}}
	s := write(t, o, from(b.String()))
	if s.Here.Starts != 3 || s.Here.Most != 2 || s.Here.Requests != 5 {
		t.Errorf("%+v", s.Here)
	}
	near(t, "wait", s.Here.Tiers[0].WaitSeconds, 3*0.002)
	near(t, "memory", s.Here.Tiers[0].MostMB, 20)
	if s.Here.Tiers[1].Missing == "" || s.Here.Tiers[1].WaitSeconds != 0 {
		t.Errorf("%+v", s.Here.Tiers[1])
	}
}

// Two instances were kept for the 10 s between the first arrival and the last end. One
// worked for 5 s, and both for 1 s of them: 6 of 20 s were used.
func TestProvisionedThatStoodIdle(t *testing.T) {
	text := reportAt(moment.Add(5*time.Second), 5000, 0) + reportAt(moment.Add(3*time.Second), 1000, 0) + reportAt(moment.Add(10*time.Second), 0.001, 0)
	o := options(t)
	o.Provisioned = map[string]int{"f": 2}
	p := write(t, o, from(text)).Functions[0].Provisioned
	if p == nil {
		t.Fatal("no provisioned concurrency")
	}
	if math.Abs(p.IdleShare-0.7) > 0.001 {
		t.Errorf("idle %.4f, want 0.7", p.IdleShare)
	}
	near(t, "cost", p.USD, 2*10*0.0000041667)
}

func TestFailuresAreReported(t *testing.T) {
	boom := errors.New("boom")
	_, err := Write(context.Background(), []Source{{Name: "here.log", Open: func() (io.ReadCloser, error) { return nil, boom }}}, options(t))
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), "here.log") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(boom)
	if _, err := Write(ctx, []Source{{Name: "many", Open: many(10)}}, options(t)); !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
}

// many is a log of n reports over a month, in random order, made as it is read.
func many(n int) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() { // ends with the reader
			random := rand.New(rand.NewPCG(1, 2))
			for range n {
				line := reportAt(moment.Add(time.Duration(random.Int64N(int64(30*24*time.Hour)))), 1+100*random.Float64(), 0)
				if _, err := io.WriteString(w, line); err != nil {
					return
				}
			}
			_ = w.Close()
		}()
		return r, nil
	}
}

// A log four times as long needs no more memory.
func TestMemoryIsFlat(t *testing.T) {
	peak := func(n int) float64 {
		o := options(t)
		stop, most := make(chan struct{}), make(chan uint64)
		go watchHeap(stop, most)
		s := write(t, o, Source{Name: "many", Function: "f", Open: many(n)})
		close(stop)
		if s.Total.Invocations != int64(n) || s.Here.Requests != int64(n) {
			t.Errorf("%d of %d", s.Total.Invocations, n)
		}
		return float64(<-most) / (1 << 20)
	}
	few, lots := peak(chunk), peak(4*chunk)
	t.Logf("%.0f MiB, then %.0f MiB", few, lots)
	if lots > few+32 {
		t.Errorf("%.0f MiB for four times the reports of %.0f MiB", lots, few)
	}
}

func watchHeap(stop <-chan struct{}, most chan<- uint64) {
	var m runtime.MemStats
	var top uint64
	for {
		runtime.ReadMemStats(&m)
		top = max(top, m.HeapAlloc)
		select {
		case <-stop:
			most <- top
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Where most of a function's work ran on provisioned concurrency its duration is cheaper, and what
// is a part of the duration is never more than all of it.
func TestPartsOfTheDurationWithProvisionedConcurrency(t *testing.T) {
	var b strings.Builder
	for second := range 20 {
		b.WriteString(reportAt(moment.Add(time.Duration(second)*time.Second), 900, 0))
	}
	idle := strings.ReplaceAll(b.String(), "Max Memory Used: 256 MB", "Max Memory Used: 1 MB")
	o := options(t)
	o.Provisioned = map[string]int{"f": 1}
	s := write(t, o, from(idle))
	near(t, "unused", s.Total.UnusedUSD/s.Total.DurationUSD, 1023.0/1024)
	if said := strings.Join(s.Sentences(), "\n"); !strings.Contains(said, "(99.9 % of the duration) paid for memory") {
		t.Error(said)
	}
}

// Starts are counted between 1, 2, 5, 10 ms and so on; steps without any stand between those with.
func TestStartsAreSpread(t *testing.T) {
	var b strings.Builder
	for _, init := range []float64{0.5, 1, 12, 12, 99, 100} {
		b.WriteString(reportAt(moment, 5, init))
	}
	want := []Bin{{0, 1, 1}, {1, 2, 1}, {2, 5, 0}, {5, 10, 0}, {10, 20, 2}, {20, 50, 0}, {50, 100, 1}, {100, 200, 1}}
	if got := write(t, options(t), from(b.String())).Inits; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if got := write(t, options(t), from(reportAt(moment, 5, 0))).Inits; got != nil {
		t.Errorf("%v without a start", got)
	}
}
