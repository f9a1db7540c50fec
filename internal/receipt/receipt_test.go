package receipt_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

const ms = time.Millisecond

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(n int) time.Time { return start.Add(time.Duration(n) * ms) }

func TestWaitOverlaysTheLaunch(t *testing.T) {
	for _, c := range []struct {
		name            string
		from, to, began int
		want            [9]time.Duration
	}{
		{"launch begins with the wait", 0, 60, 0, [9]time.Duration{0, 10 * ms, 20 * ms, 30 * ms}},
		{"time before and after is queue", 0, 70, 5, [9]time.Duration{10 * ms, 10 * ms, 20 * ms, 30 * ms}},
		{"began for another request", 15, 60, 0, [9]time.Duration{0, 0, 15 * ms, 30 * ms}},
		{"ready before the wait", 100, 110, 0, [9]time.Duration{10 * ms}},
		{"began after the wait", 0, 10, 50, [9]time.Duration{10 * ms}},
		{"no wait", 10, 10, 0, [9]time.Duration{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r receipt.Receipt
			r.Wait(at(c.from), at(c.to), receipt.Launch{Began: at(c.began), Sandbox: 10 * ms, Runtime: 20 * ms, Init: 30 * ms})
			if r.Spent != c.want {
				t.Errorf("phases = %v, want %v", r.Spent, c.want)
			}
		})
	}
}

func TestWaitSumsToTheWait(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := func(what string) int { return rapid.IntRange(0, 50).Draw(rt, what) }
		from := n("from")
		to := from + n("wait")
		launch := receipt.Launch{
			Began: at(n("began")), Sandbox: time.Duration(n("sandbox")) * ms,
			Runtime: time.Duration(n("runtime")) * ms, Init: time.Duration(n("init")) * ms,
		}
		launch.Machine.Boot = receipt.Span{From: at(n("boot")), To: at(n("booted"))}
		launch.Machine.Resume = receipt.Span{From: launch.Machine.Boot.To, To: launch.Machine.Boot.To.Add(time.Duration(n("resume")) * ms)}
		launch.Machine.Attach = receipt.Span{From: launch.Machine.Resume.To, To: launch.Machine.Resume.To.Add(time.Duration(n("attach")) * ms)}
		var r receipt.Receipt
		r.Wait(at(from), at(to), launch)
		if r.Wall() != time.Duration(to-from)*ms {
			rt.Fatalf("phases %v sum to %v, the wait was %v", r.Spent, r.Wall(), to-from)
		}
		for _, p := range receipt.Phases() {
			if r.Spent[p] < 0 {
				rt.Fatalf("%s = %v", p, r.Spent[p])
			}
		}
	})
}

// What a machine takes of making its sandbox stands by itself; what was done before the launch,
// or before the request waited, does not.
func TestMachinePhases(t *testing.T) {
	launch := receipt.Launch{Began: at(10), Sandbox: 30 * ms, Runtime: 5 * ms}
	launch.Machine = receipt.Machine{
		Boot: receipt.Span{From: at(0), To: at(9)}, Resume: receipt.Span{From: at(5), To: at(22)}, Attach: receipt.Span{From: at(30), To: at(38)},
	}
	var r receipt.Receipt
	r.Wait(at(12), at(50), launch)
	want := map[receipt.Phase]time.Duration{receipt.Queue: 5 * ms, receipt.Sandbox: 10 * ms, receipt.Resume: 10 * ms, receipt.Attach: 8 * ms, receipt.Runtime: 5 * ms}
	for _, p := range receipt.Phases() {
		if r.Spent[p] != want[p] {
			t.Errorf("%s = %v, want %v", p, r.Spent[p], want[p])
		}
	}
	if r.Making() != 28*ms {
		t.Errorf("making it took %v", r.Making())
	}
	const timing = "queue;dur=5.000, sandbox;dur=10.000, restore;dur=10.000, attach;dur=8.000, runtime;dur=5.000, init;dur=0.000, handler;dur=0.000, response;dur=0.000, total;dur=38.000"
	if got := r.ServerTiming(); got != timing {
		t.Errorf("got  %s\nwant %s", got, timing)
	}
}

// A request that waited for the boot has it on its receipt, beside what came after.
func TestBootThatARequestWaitedFor(t *testing.T) {
	launch := receipt.Launch{Began: at(2), Sandbox: 40 * ms, Runtime: 5 * ms}
	launch.Machine = receipt.Machine{
		Boot: receipt.Span{From: at(4), To: at(24)}, Resume: receipt.Span{From: at(25), To: at(32)}, Attach: receipt.Span{From: at(33), To: at(36)},
	}
	var r receipt.Receipt
	r.Wait(at(0), at(47), launch)
	const timing = "queue;dur=2.000, sandbox;dur=10.000, boot;dur=20.000, restore;dur=7.000, attach;dur=3.000, runtime;dur=5.000, init;dur=0.000, " +
		"handler;dur=0.000, response;dur=0.000, total;dur=47.000"
	if got := r.ServerTiming(); got != timing {
		t.Errorf("got  %s\nwant %s", got, timing)
	}
	text, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(text), `"boot":20,"restore":7,"attach":3`) {
		t.Errorf("%v: %s", err, text)
	}
}

func TestSettle(t *testing.T) {
	var r receipt.Receipt
	r.Add(receipt.Handler, 7*ms)
	r.Settle(receipt.Queue, 10*ms)
	r.Settle(receipt.Response, 12*ms)
	r.Settle(receipt.Queue, 11*ms) // an inner measure: nothing to add
	if want := [9]time.Duration{3 * ms, 0, 0, 0, 7 * ms, 2 * ms}; r.Spent != want || r.Wall() != 12*ms {
		t.Errorf("phases = %v, wall = %v", r.Spent, r.Wall())
	}
}

func sample() receipt.Receipt {
	r := receipt.Receipt{
		RequestID: "r-1", Version: "$LATEST", Tier: lambda.TierLight, Emulated: true, Start: receipt.Cold,
		Why: "first invocation of this version", Fault: "Sandbox.Timedout", Arrived: start,
		MemoryPeak: 20 << 20, Class: lambda.ClassBatch, Neighbours: []receipt.Neighbour{{Function: "resize", CPU: 38 * ms}},
		Used: receipt.Used{CPUs: 2, CPU: receipt.Of(3 * ms), Throttled: receipt.Of(250 * time.Microsecond), Waiting: receipt.Of[time.Duration](0), MajorFaults: receipt.Of[int64](2)},
	}
	for i, p := range []receipt.Phase{receipt.Queue, receipt.Sandbox, receipt.Runtime, receipt.Init, receipt.Handler, receipt.Response} {
		r.Add(p, time.Duration(i)*ms+12*time.Microsecond)
	}
	return r
}

func TestServerTiming(t *testing.T) {
	r := sample()
	const want = "queue;dur=0.012, sandbox;dur=1.012, runtime;dur=2.012, init;dur=3.012, handler;dur=4.012, response;dur=5.012, total;dur=15.072"
	if got := r.ServerTiming(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var back receipt.Receipt
	if err := back.ParseServerTiming("cdn;dur=7, miss, " + want); err != nil || back.Spent != r.Spent {
		t.Errorf("read back %v, %v", back.Spent, err)
	}
}

func TestParseServerTimingRefuses(t *testing.T) {
	for _, bad := range []string{"queue;dur=x", "queue;dur=-1", "init;dur=NaN", "init;dur=1e300", "queue;dur=", strings.Repeat("a", 1025)} {
		r := sample()
		if err := r.ParseServerTiming(bad); err == nil || r.Spent != sample().Spent {
			t.Errorf("%.20q: err = %v, phases %v", bad, err, r.Spent)
		}
	}
}

func FuzzParseServerTiming(f *testing.F) {
	r := sample()
	f.Add(r.ServerTiming())
	f.Add("queue;dur=1;desc=\"x\", handler;dur=+Inf")
	f.Add(",;=,")
	f.Fuzz(func(t *testing.T, header string) {
		var r, again receipt.Receipt
		if r.ParseServerTiming(header) != nil {
			return
		}
		if err := again.ParseServerTiming(r.ServerTiming()); err != nil || again.Spent != r.Spent {
			t.Errorf("%q: %v became %v, %v", header, r.Spent, again.Spent, err)
		}
	})
}

func TestJSON(t *testing.T) {
	r := sample()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"requestId":"r-1","version":"$LATEST","isolation":"light","emulated":true,"start":"cold","why":"first invocation of this version",` +
		`"class":"batch","fault":"Sandbox.Timedout","arrived":"2026-11-22T12:00:00Z","phases":{"queue":0.012,"sandbox":1.012,"runtime":2.012,` +
		`"init":3.012,"handler":4.012,"response":5.012},"wallMs":15.072,"memoryPeakBytes":20971520,"cpus":2,"cpuMs":3,"throttledMs":0.25,"waitingMs":0,"majorPageFaults":2,` +
		`"neighbours":[{"function":"resize","cpuMs":38}]}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	var back receipt.Receipt
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestJSONOfARefusal(t *testing.T) {
	text, err := json.Marshal(receipt.Receipt{RequestID: "r-1"})
	if err != nil || strings.Contains(string(text), "isolation") {
		t.Errorf("%s, %v", text, err)
	}
	var back receipt.Receipt
	if err := json.Unmarshal(text, &back); err != nil || back.RequestID != "r-1" {
		t.Errorf("read back %+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"isolation":"strong"}`), &back); err == nil {
		t.Error("an unknown tier was accepted")
	}
}

func TestLaunchEnds(t *testing.T) {
	l := receipt.Launch{Began: start, Sandbox: ms, Runtime: 2 * ms, Init: 3 * ms}
	if got := l.Ended(); !got.Equal(at(6)) {
		t.Errorf("ended at %v", got)
	}
}
