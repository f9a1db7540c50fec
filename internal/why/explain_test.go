package why_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/why"
)

const ms = time.Millisecond

// measured is a receipt of a host that measures everything; nothing was used.
func measured(change func(*receipt.Receipt)) *receipt.Receipt {
	zero, none := receipt.Of[time.Duration](0), receipt.Of[int64](0)
	r := &receipt.Receipt{Start: receipt.Warm, Used: receipt.Used{
		CPUs: 2, CPU: zero, Throttled: zero, Waiting: zero, HostWaiting: zero, MemoryStall: zero, IOStall: zero,
		Faults: none, MajorFaults: none, ReadBytes: none, WrittenBytes: none,
	}}
	change(r)
	return r
}

func TestExplain(t *testing.T) {
	for name, c := range map[string]struct {
		r    *receipt.Receipt
		want why.Explanation
	}{
		"waiting beside neighbours": {
			measured(func(r *receipt.Receipt) {
				r.Add(receipt.Handler, 50*ms)
				r.Used.CPU, r.Used.Waiting = receipt.Of(8*ms), receipt.Of(41*ms)
				r.Neighbours = []receipt.Neighbour{{Function: "resize", CPU: 38 * ms}, {Function: "a", CPU: 9 * ms}, {Function: "b", CPU: ms}, {Function: "c", CPU: ms}}
			}),
			why.Explanation{
				Verdict: "Your code wasn't the problem: at least 33 ms of 50 ms passed around it.",
				Because: []string{
					"It was ready to run and waited at least 41 ms for a CPU beside resize (38 ms on CPUs) and 3 others.",
					"Its processes were on a CPU for 8.0 ms.",
				},
			},
		},
		"a restore": {
			measured(func(r *receipt.Receipt) {
				r.Start, r.Why = receipt.Restore, "first invocation of this version; restored"
				r.Add(receipt.Sandbox, 1*ms)
				r.Add(receipt.Init, 40*ms)
				r.Add(receipt.Handler, 5*ms)
			}),
			why.Explanation{
				Verdict: "Most of it was your code's initialisation: 40 ms of 46 ms.",
				Because: []string{
					"It waited 41 ms for a restore (SnapStart), because it was the first invocation of this version; restored: 1.0 ms to wake the sandbox, 40 ms for your hooks after it.",
					"For at least 5.0 ms it asked for no CPU and no disk: it slept, or waited for an answer from elsewhere.",
				},
			},
		},
		"waiting beside nobody is no excuse": {
			measured(func(r *receipt.Receipt) {
				r.Add(receipt.Handler, 50*ms)
				r.Used.CPU, r.Used.Waiting = receipt.Of(20*ms), receipt.Of(41*ms)
			}),
			why.Explanation{
				Verdict: "No single cause took most of the 50 ms.",
				Because: []string{
					"It was ready to run and waited at least 41 ms for a CPU; no other function used any to speak of meanwhile: for 21 ms or more of it other programs of this host did.",
					"Its processes were on a CPU for 20 ms.",
				},
			},
		},
		"waiting for its own threads": {
			measured(func(r *receipt.Receipt) {
				r.Add(receipt.Handler, 50*ms)
				r.Used.CPU, r.Used.Waiting = receipt.Of(90*ms), receipt.Of(45*ms)
			}),
			why.Explanation{
				Verdict: "Most of it was your code at work: 50 ms of 50 ms on a CPU.",
				Because: []string{
					"Its processes were on a CPU for 90 ms.",
					"It was ready to run and waited at least 45 ms for a CPU; no other function used any to speak of meanwhile: its own threads did, or other programs of this host.",
				},
			},
		},
		"batch gives way": {
			measured(func(r *receipt.Receipt) {
				r.Class = lambda.ClassBatch
				r.Add(receipt.Handler, 2*time.Second)
				r.Used.CPU, r.Used.Waiting = receipt.Of(400*ms), receipt.Of(1500*ms)
				r.Neighbours = []receipt.Neighbour{{Function: "match", CPU: 3 * time.Second}, {Function: "resize", CPU: 38 * ms}}
			}),
			why.Explanation{
				Verdict: "Your code wasn't the problem: at least 1.10 s of 2.00 s passed around it.",
				Because: []string{
					"It was ready to run and waited at least 1.50 s for a CPU beside match (3.00 s on CPUs) and resize; it is of the batch class, which gives way.",
					"Its processes were on a CPU for 400 ms.",
				},
			},
		},
		"cold start": {
			measured(func(r *receipt.Receipt) {
				r.Start, r.Why = receipt.Cold, "all 3 instances are busy"
				r.Add(receipt.Queue, ms)
				r.Add(receipt.Sandbox, 20*ms)
				r.Add(receipt.Runtime, 70*ms)
				r.Add(receipt.Init, 9*ms)
			}),
			why.Explanation{
				Verdict: "Your code wasn't the problem: 91 ms of 100 ms passed around it.",
				Because: []string{"It waited 99 ms for a start (cold), because all 3 instances are busy: 20 ms for the sandbox, 70 ms for the runtime, 9.0 ms for your code's initialisation."},
			},
		},
		"slow initialisation": {
			measured(func(r *receipt.Receipt) {
				r.Start, r.Why = receipt.Cold, "configuration changed"
				r.Add(receipt.Runtime, 100*ms)
				r.Add(receipt.Init, 11*time.Second)
			}),
			why.Explanation{
				Verdict: "Most of it was your code's initialisation: 11.0 s of 11.1 s.",
				Because: []string{"It waited 11.1 s for a start (cold), because the configuration changed: 0 ms for the sandbox, 100 ms for the runtime, 11.0 s for your code's initialisation."},
			},
		},
		"queueing": {
			measured(func(r *receipt.Receipt) {
				r.Why = "the only instance is busy"
				r.Add(receipt.Queue, 300*ms)
				r.Add(receipt.Handler, 5*ms)
				r.Used.CPU = receipt.Of(5 * ms)
			}),
			why.Explanation{
				Verdict: "Your code wasn't the problem: 300 ms of 305 ms passed around it.",
				Because: []string{"It waited 300 ms before it reached an instance, because the only instance is busy."},
			},
		},
		"throttled": {
			measured(func(r *receipt.Receipt) {
				r.Add(receipt.Handler, 500*ms)
				r.Used.CPU, r.Used.Throttled = receipt.Of(100*ms), receipt.Of(800*ms)
			}),
			why.Explanation{
				Verdict: "No single cause took most of the 500 ms.",
				Because: []string{
					"Its CPU limit (lambent:cpu) held it back for 800 ms, summed over CPUs.",
					"Its processes were on a CPU for 100 ms.",
				},
			},
		},
		"memory and disk": {
			measured(func(r *receipt.Receipt) {
				r.Add(receipt.Handler, 100*ms)
				r.Used.MemoryStall, r.Used.IOStall, r.Used.CPU = receipt.Of(40*ms), receipt.Of(30*ms), receipt.Of(20*ms)
				r.Used.Faults, r.Used.MajorFaults = receipt.Of[int64](700), receipt.Of[int64](31)
				r.Used.ReadBytes, r.Used.WrittenBytes = receipt.Of[int64](5<<20), receipt.Of[int64](512)
			}),
			why.Explanation{
				Verdict: "No single cause took most of the 100 ms.",
				Because: []string{
					"It waited 40 ms for memory (700 page faults, 31 of them read from a device): near its memory limit the kernel takes pages away and reads them again.",
					"It waited 30 ms for a disk (5.0 MiB read, 512 bytes written; 31 page faults read from a device).",
					"Its processes were on a CPU for 20 ms.",
				},
			},
		},
		"at work": {
			measured(func(r *receipt.Receipt) {
				r.Add(receipt.Handler, 100*ms)
				r.Used.CPU = receipt.Of(160 * ms)
			}),
			why.Explanation{
				Verdict: "Most of it was your code at work: 100 ms of 100 ms on a CPU.",
				Because: []string{"Its processes were on a CPU for 160 ms."},
			},
		},
		"waiting for elsewhere, and a little for a CPU": {
			measured(func(r *receipt.Receipt) {
				r.Add(receipt.Handler, time.Second)
				r.Used.CPU, r.Used.Waiting, r.Used.HostWaiting = receipt.Of(50*ms), receipt.Of(100*ms), receipt.Of(ms) // 241 ms at most, on two CPUs
				r.Neighbours = []receipt.Neighbour{{Function: "resize", CPU: 900 * ms}}
			}),
			why.Explanation{
				Verdict: "For at least 709 ms of 1.00 s your code asked for no CPU and no disk: it slept, or waited for an answer.",
				Because: []string{
					"For at least 709 ms it asked for no CPU and no disk: it slept, or waited for an answer from elsewhere.",
					"It was ready to run and waited at least 100 ms for a CPU beside resize (900 ms on CPUs).",
					"Its processes were on a CPU for 50 ms.",
				},
			},
		},
		"Lambent may have been late": {
			measured(func(r *receipt.Receipt) {
				r.Add(receipt.Handler, 32*ms)
				r.Used.CPU, r.Used.Waiting, r.Used.HostWaiting = receipt.Of(2*ms), receipt.Of(3*ms), receipt.Of(30*ms)
			}),
			why.Explanation{
				Verdict: "No single cause took most of the 32 ms.",
				Because: []string{
					"For at least 30 ms something on this host waited for a CPU: it can have been Lambent itself, which hands over the event and takes the answer.",
					"It was ready to run and waited at least 3.0 ms for a CPU; no other function used any to speak of meanwhile: for 1.0 ms or more of it other programs of this host did.",
					"Its processes were on a CPU for 2.0 ms.",
				},
			},
		},
		"waiting for elsewhere": {
			measured(func(r *receipt.Receipt) {
				r.Add(receipt.Handler, 1234*ms)
				r.Used.CPU = receipt.Of(4 * ms)
			}),
			why.Explanation{
				Verdict: "For at least 1.23 s of 1.23 s your code asked for no CPU and no disk: it slept, or waited for an answer.",
				Because: []string{"For at least 1.23 s it asked for no CPU and no disk: it slept, or waited for an answer from elsewhere."},
			},
		},
		"a long answer": {
			measured(func(r *receipt.Receipt) {
				r.Add(receipt.Handler, ms)
				r.Add(receipt.Response, 90*ms)
			}),
			why.Explanation{
				Verdict: "No single cause took most of the 91 ms.",
				Because: []string{"After the first byte of its answer the rest took 90 ms."},
			},
		},
		"a host that measures little": {
			func() *receipt.Receipt {
				r := &receipt.Receipt{Start: receipt.Warm, Used: receipt.Used{CPU: receipt.Of(2 * ms)}}
				r.Add(receipt.Handler, 100*ms)
				return r
			}(),
			why.Explanation{
				Verdict: "No single cause took most of the 100 ms.",
				Unknown: []string{
					"This host does not measure how long something waits for a CPU: `lambent doctor` says why.",
					"This host does not measure how long something waits for I/O.",
				},
			},
		},
		"many at once": {
			func() *receipt.Receipt {
				r := &receipt.Receipt{Start: receipt.Warm, Used: receipt.Used{Shared: true}}
				r.Add(receipt.Handler, 100*ms)
				return r
			}(),
			why.Explanation{
				Verdict: "No single cause took most of the 100 ms.",
				Unknown: []string{"The instance ran other requests at the same time: what each of them used cannot be told apart."},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, why.Explain(c.r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestClaimsFollow holds, for any receipt, what must never be claimed.
func TestClaimsFollow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := anyReceipt(rt)
		e := why.Explain(r)
		text := strings.Join(append(e.Because, e.Verdict), "\n")
		u := &r.Used
		for claim, known := range map[string]bool{
			"asked for no CPU": u.CPUs > 0 && u.HostWaiting.Known && u.HostWaiting.Value < r.Spent[receipt.Handler] && 2*u.Waiting.Value < r.Spent[receipt.Handler] && u.CPU.Known && u.Waiting.Known && u.IOStall.Known && u.Throttled.Known && u.MemoryStall.Known,
			"ready to run":     u.Waiting.Known && u.Waiting.Value > 0, "something on this host": u.HostWaiting.Known, "on a CPU": u.CPU.Known && u.CPU.Value > 0, "for a disk": u.IOStall.Known, "for memory": u.MemoryStall.Known,
			"held it back": u.Throttled.Known && u.Throttled.Value > 0, "page faults": u.Faults.Known || u.MajorFaults.Known, "beside fn": len(r.Neighbours) > 0,
			"because it": r.Why != "",
		} {
			if strings.Contains(text, claim) && !known {
				rt.Fatalf("%+v\nclaims %q:\n%s", r, claim, text)
			}
		}
		around := r.Spent[receipt.Queue] + r.Making() + r.Spent[receipt.Runtime]
		if u.CPU.Known {
			around += max(min(u.Waiting.Value, r.Spent[receipt.Handler])-u.CPU.Value, 0)
		}
		if strings.Contains(text, "wasn't the problem") && (2*around <= r.Wall() || 2*r.Spent[receipt.Init] >= r.Wall()) {
			rt.Fatalf("%+v\nabsolves the code:\n%s", r, text)
		}
	})
}

func anyReceipt(rt *rapid.T) *receipt.Receipt {
	span := func(what string) time.Duration { return time.Duration(rapid.IntRange(0, 200).Draw(rt, what)) * ms }
	maybe := func(what string) (a receipt.Amount[time.Duration]) {
		if rapid.Bool().Draw(rt, what+" is known") {
			a = receipt.Of(span(what))
		}
		return a
	}
	r := &receipt.Receipt{Start: rapid.SampledFrom([]receipt.StartKind{receipt.Warm, receipt.Cold}).Draw(rt, "start")}
	for _, p := range receipt.Phases() {
		r.Add(p, span(p.String()))
	}
	r.Why = rapid.SampledFrom([]string{"", "it was"}).Draw(rt, "why")
	r.Used = receipt.Used{CPUs: rapid.IntRange(0, 2).Draw(rt, "cpus"), CPU: maybe("cpu"), Throttled: maybe("throttled"), Waiting: maybe("waiting"), HostWaiting: maybe("host"), MemoryStall: maybe("memory"), IOStall: maybe("io")}
	for range rapid.IntRange(0, 3).Draw(rt, "neighbours") {
		r.Neighbours = append(r.Neighbours, receipt.Neighbour{Function: "fn", CPU: span("neighbour")})
	}
	return r
}
