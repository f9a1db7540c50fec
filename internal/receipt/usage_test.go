package receipt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/receipt"
)

func TestUsage(t *testing.T) {
	for want, used := range map[string]receipt.Used{
		"memory=38797312":         {},
		"memory=38797312, shared": {Shared: true, CPU: receipt.Of(time.Second)},
		"memory=38797312, cpu=1.234, throttled=5.000": {
			CPU: receipt.Of(1234 * time.Microsecond), Throttled: receipt.Of(5 * ms),
		},
		"memory=38797312, cpu=1.234, throttled=0.000, waiting=41.000, host-waiting=50.000, memory-stall=2.000, io-stall=3.000, faults=70, major-faults=3, read=4096, written=8192": {
			CPU: receipt.Of(1234 * time.Microsecond), Throttled: receipt.Of[time.Duration](0), Waiting: receipt.Of(41 * ms), HostWaiting: receipt.Of(50 * ms),
			MemoryStall: receipt.Of(2 * ms), IOStall: receipt.Of(3 * ms), Faults: receipt.Of[int64](70), MajorFaults: receipt.Of[int64](3),
			ReadBytes: receipt.Of[int64](4096), WrittenBytes: receipt.Of[int64](8192),
		},
	} {
		r := receipt.Receipt{MemoryPeak: 38797312, Used: used}
		if got := r.Usage(); got != want {
			t.Errorf("usage = %q, want %q", got, want)
		}
		var back receipt.Receipt
		if err := back.ParseUsage("other=7, " + want); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if used.Shared {
			used = receipt.Used{Shared: true}
		}
		if diff := cmp.Diff(used, back.Used); diff != "" || back.MemoryPeak != r.MemoryPeak {
			t.Errorf("read back %d (-want +got):\n%s", back.MemoryPeak, diff)
		}
	}
}

func TestParseUsageRefuses(t *testing.T) {
	for _, bad := range []string{"memory=-1", "cpu=NaN", "waiting=-1", "io-stall=1e300", "faults=1.5", "read=", strings.Repeat("a", 1025)} {
		r := receipt.Receipt{MemoryPeak: 7}
		if err := r.ParseUsage(bad); err == nil || r.MemoryPeak != 7 {
			t.Errorf("%.20q: err = %v, peak %d", bad, err, r.MemoryPeak)
		}
	}
}

func FuzzParseUsage(f *testing.F) {
	r := sample()
	f.Add(r.Usage())
	f.Add("memory=1, shared, cpu=1")
	f.Add(",=,")
	f.Fuzz(func(t *testing.T, header string) {
		var r, again receipt.Receipt
		if r.ParseUsage(header) != nil {
			return
		}
		if r.Used.Shared {
			r.Used = receipt.Used{Shared: true}
		}
		if err := again.ParseUsage(r.Usage()); err != nil || again.Used != r.Used || again.MemoryPeak != r.MemoryPeak {
			t.Errorf("%q: %+v became %+v, %v", header, r.Used, again.Used, err)
		}
	})
}

func TestHandlerSpan(t *testing.T) {
	r := sample()
	began := start.Add(6*ms + 48*time.Microsecond)
	if !r.HandlerBegan().Equal(began) || !r.HandlerEnded().Equal(began.Add(4*ms+12*time.Microsecond)) {
		t.Errorf("from %v to %v", r.HandlerBegan(), r.HandlerEnded())
	}
}
