package sandboxtest

import (
	"runtime"
	"strings"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

func usageFacts() []fact {
	return []fact{
		{name: "UsageBeforeBind", test: usageBeforeBind},
		{name: "UsageCountsCPU", test: usageCountsCPU},
		{name: "UsageCountsMemory", test: usageCountsMemory},
		{name: "UsageSurvivesReset", test: usageSurvivesReset},
		{name: "UsageCountsThrottling", test: usageCountsThrottling, needs: limits},
		{name: "UsageCountsFaults", test: usageCountsFaults},
		{name: "UsageCountsWaiting", test: usageCountsWaiting},
		{name: "UsageNeverFalls", test: usageNeverFalls},
		{name: "UsageInBriefIsTheSame", test: usageInBrief},
	}
}

func (r *rig) usage(box sandbox.Sandbox) sandbox.Usage {
	r.Helper()
	u, err := box.Usage(r.ctx())
	if err != nil {
		r.Fatalf("Usage: %v", err)
	}
	return u
}

func usageBeforeBind(r *rig) {
	if u := r.usage(r.generic()); u.Memory < 0 || u.OOMKills != 0 {
		r.Errorf("Usage = %+v", u)
	}
}

func usageCountsCPU(r *rig) {
	box := r.bound()
	before := r.usage(box)
	r.output(box, "spin", "200")
	if used := r.usage(box).CPU - before.CPU; used < 10*time.Millisecond || used > 2*time.Second {
		r.Errorf("spinning for 200 ms used %v", used)
	}
}

func usageCountsMemory(r *rig) {
	box := r.bound()
	p := r.start(box, probe("hold", "50"))
	r.waitFor(p, "here")
	if u := r.usage(box); u.Memory < 50<<20 || u.MemoryPeak < u.Memory {
		r.Errorf("with 50 MiB in use: %+v", u)
	}
}

func usageSurvivesReset(r *rig) {
	box := r.bound()
	r.output(box, "spin", "100")
	before := r.usage(box).CPU
	r.reset(box)
	if now := r.usage(box).CPU; now < before {
		r.Errorf("CPU time went from %v to %v", before, now)
	}
}

func usageCountsThrottling(r *rig) {
	box := r.bound(func(w *sandbox.Workload) { w.CPUQuota = 0.2 })
	before, began := r.usage(box).CPU, time.Now() // making a box may take some
	u := sandbox.Usage{}
	for end := began.Add(time.Minute); u.Throttled.Value == 0 && time.Now().Before(end); u = r.usage(box) {
		r.output(box, "spin", "500") // on a busy host it may get less than it is allowed
	}
	if most := time.Since(began)/5 + 300*time.Millisecond; u.Throttled.Value == 0 || u.CPU-before > most {
		r.Errorf("with a fifth of a CPU: %+v, before %v, want %v at most", u, before, most)
	}
}

// usageCountsFaults touches 40 MiB, which takes 20 faults at least: with pages of 2 MiB.
func usageCountsFaults(r *rig) {
	box := r.bound()
	before := r.usage(box)
	r.output(box, "alloc", "40")
	after := r.usage(box)
	if n := after.Faults.Value - before.Faults.Value; after.Faults.Known && n < 20 {
		r.Errorf("touching 40 MiB made %d page faults", n)
	}
	if after.MajorFaults.Value > after.Faults.Value {
		r.Errorf("%d major faults of %d", after.MajorFaults.Value, after.Faults.Value)
	}
}

// usageCountsWaiting has more to do than there are CPUs. It reads while that runs: a driver
// may lose what ended threads waited.
func usageCountsWaiting(r *rig) {
	box := r.bound()
	before := r.usage(box)
	if !before.Waiting.Known {
		return
	}
	var all []*running
	for range 2*runtime.NumCPU() + 1 {
		all = append(all, r.start(box, probe("spin", "500")))
	}
	r.eventually("with more to do than there are CPUs, something waits for 10 ms", func() bool {
		return r.usage(box).Waiting.Value-before.Waiting.Value >= 10*time.Millisecond
	})
	for _, p := range all {
		r.exit(p)
	}
}

// usageNeverFalls: who subtracts two readings must get what was used between them, also
// over a reset and a freeze.
func usageNeverFalls(r *rig) {
	box := r.bound()
	before := r.usage(box)
	r.output(box, "spin", "50")
	r.notBelow(box, &before)
	r.reset(box)
	r.notBelow(box, &before)
	if f, ok := box.(sandbox.Freezer); ok {
		r.freeze(f)
		r.notBelow(box, &before)
		r.thaw(f)
	}
	r.output(box, "alloc", "10")
	r.notBelow(box, &before)
}

// usageInBrief: who is told in brief what was used is told the same.
func usageInBrief(r *rig) {
	box := r.bound()
	b, ok := box.(sandbox.Brief)
	if !ok {
		return
	}
	r.output(box, "spin", "50")
	r.output(box, "alloc", "40")
	before := r.usage(box)
	brief, err := b.Brief(r.ctx())
	r.want("Brief", err, nil)
	after := r.usage(box)
	if brief.CPU < before.CPU || brief.CPU > after.CPU || brief.MemoryPeak < before.MemoryPeak || brief.MemoryPeak > after.MemoryPeak {
		r.Errorf("between\n%+v and\n%+v in brief\n%+v", before, after, brief)
	}
	r.close(box)
	_, err = b.Brief(r.ctx())
	r.want("Brief after Close", err, sandbox.ErrClosed)
}

// notBelow compares a new reading with an earlier one, and keeps it.
func (r *rig) notBelow(box sandbox.Sandbox, earlier *sandbox.Usage) {
	r.Helper()
	now, was := r.usage(box), *earlier
	*earlier = now
	fell := now.CPU < was.CPU || now.OOMKills < was.OOMKills || now.MemoryPeak < was.MemoryPeak
	for _, c := range [][2]sandbox.Counter[time.Duration]{{was.Throttled, now.Throttled}, {was.Waiting, now.Waiting}, {was.HostWaiting, now.HostWaiting}, {was.MemoryStall, now.MemoryStall}, {was.IOStall, now.IOStall}} {
		fell = fell || below(c[1], c[0])
	}
	for _, c := range [][2]sandbox.Counter[int64]{{was.Faults, now.Faults}, {was.MajorFaults, now.MajorFaults}, {was.ReadBytes, now.ReadBytes}, {was.WrittenBytes, now.WrittenBytes}} {
		fell = fell || below(c[1], c[0])
	}
	if fell {
		r.Errorf("usage fell from\n%+v to\n%+v", was, now)
	}
}

func below[T ~int64](now, was sandbox.Counter[T]) bool {
	return now.Known != was.Known || now.Value < was.Value || !now.Known && now.Value != 0
}

func limitFacts() []fact {
	return []fact{
		{name: "OutOfMemoryIsNamed", test: outOfMemoryIsNamed, needs: outlivesMemory},
		{name: "OutOfMemoryOfAChild", test: outOfMemoryOfAChild, needs: outlivesMemory},
		{name: "BoxOutlivesOutOfMemory", test: boxOutlivesOutOfMemory, needs: outlivesMemory},
		{name: "MemoryUpToTheLimit", test: memoryUpToTheLimit},
		{name: "TmpUpToItsLimit", test: tmpUpToItsLimit},
		{name: "TmpHasALimit", test: tmpHasALimit, needs: limits},
		{name: "TmpIsNotChargedToMemory", test: tmpIsNotCharged, needs: limits},
		{name: "TmpIsFreeAgain", test: tmpIsFreeAgain, needs: limits},
		{name: "PidsHaveALimit", test: pidsHaveALimit, needs: limits},
		{name: "PidsOfOneBoxDoNotCountInAnother", test: pidsAreTheBoxsOwn, needs: limits},
		{name: "WeightIsTaken", test: weightIsTaken},
	}
}

func outOfMemoryIsNamed(r *rig) {
	box := r.bound()
	if e := r.exit(r.start(box, probe("alloc", beyondMemory))); !killed(e) || !e.OutOfMemory {
		r.Errorf("exit = %+v, want SIGKILL for lack of memory", e)
	}
	if u := r.usage(box); u.OOMKills == 0 {
		r.Errorf("Usage = %+v, want OOMKills", u)
	}
}

// outOfMemoryOfAChild: either the whole box loses, or the parent lives on; what must
// not happen is that nobody is told.
func outOfMemoryOfAChild(r *rig) {
	box := r.bound()
	r.exit(r.start(box, probe("memory-crowd", "1", beyondMemory)))
	if u := r.usage(box); u.OOMKills == 0 {
		r.Errorf("Usage = %+v, want OOMKills", u)
	}
}

// boxOutlivesOutOfMemory: more than once, and its /tmp with it.
func boxOutlivesOutOfMemory(r *rig) {
	box := r.bound()
	r.output(box, "write", "/tmp/file", "1")
	for range 2 {
		if e := r.exit(r.start(box, probe("alloc", beyondMemory))); !e.OutOfMemory {
			r.Errorf("it ended with %+v, want for lack of memory", e)
		}
		r.reset(box)
	}
	p := r.start(box, sandbox.Command{Path: "/bin/ls", Args: []string{"/tmp/file"}})
	if e := r.exit(p); e != (sandbox.Exit{}) {
		r.Errorf("looking for what was in /tmp ended with %+v: %s", e, p.stderr)
	}
	r.output(box, "alloc", "90")
}

func memoryUpToTheLimit(r *rig) { r.output(r.bound(), "alloc", "90") }

func tmpUpToItsLimit(r *rig) { r.output(r.bound(), "write", "/tmp/file", "60") }

func tmpHasALimit(r *rig) {
	p := r.start(r.bound(), probe("write", "/tmp/file", "70"))
	if e := r.exit(p); e.Code != 1 || !strings.Contains(p.stderr.String(), "no space left") {
		r.Errorf("writing 70 MiB to 64 ended with %+v: %s", e, p.stderr)
	}
}

// tmpIsNotCharged: a function of 128 MB can write 400 MB.
func tmpIsNotCharged(r *rig) {
	base := r.suite.base()
	base.Tmp = 512 << 20
	roomy := *r
	roomy.template = prepare(r, r.driver, base)
	box := roomy.bound()
	r.output(box, "write", "/tmp/file", "400")
	r.output(box, "alloc", "64")
	if u := r.usage(box); u.OOMKills != 0 {
		r.Errorf("Usage = %+v", u)
	}
}

func tmpIsFreeAgain(r *rig) {
	box := r.bound()
	for range 3 {
		r.output(box, "write", "/tmp/file", "50")
		p := r.start(box, sandbox.Command{Path: "/bin/rm", Args: []string{"/tmp/file"}})
		if e := r.exit(p); e.Code != 0 {
			r.Fatalf("rm: %s", p.stderr)
		}
	}
}

func pidsHaveALimit(r *rig) {
	if o := r.attempt(r.bound(), "fork-bomb", "100"); o.OK {
		r.Errorf("%s processes at once, with a limit of %d", o.Value, pidsLimit)
	}
}

func pidsAreTheBoxsOwn(r *rig) {
	one, two := r.bound(), r.bound()
	for range 3 {
		r.start(one, probe("sleep"))
	}
	for range 3 {
		r.start(two, probe("sleep"))
	}
	r.output(two, "exit", "0")
}

func weightIsTaken(r *rig) {
	for _, weight := range []uint64{1, 100, 10000} {
		r.output(r.bound(func(w *sandbox.Workload) { w.CPUWeight = weight }), "exit", "0")
	}
}
