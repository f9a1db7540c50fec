package why

import (
	"fmt"
	"math"
	"strings"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

// cause is one way in which a request becomes slow.
type cause struct {
	cost func(*receipt.Receipt) time.Duration // wall time that it explains; 0 = it does not apply
	say  func(*receipt.Receipt, time.Duration) string
}

// causes are all that a receipt can show. Their costs may overlap: threads wait for
// several things at once.
var causes = []cause{
	{phase(receipt.Queue), sayQueue},
	{start, sayStart},
	{throttled, sayThrottled},
	{waiting, sayWaiting},
	{hostWaiting, sayHostWaiting},
	{memoryStall, sayMemory},
	{ioStall, sayIO},
	{onCPU, sayCPU},
	{elsewhere, sayElsewhere},
	{phase(receipt.Response), sayResponse},
}

func phase(p receipt.Phase) func(*receipt.Receipt) time.Duration {
	return func(r *receipt.Receipt) time.Duration { return r.Spent[p] }
}

func sayQueue(r *receipt.Receipt, cost time.Duration) string {
	text := "It waited " + amount(cost) + " before it reached an instance"
	if r.Start == receipt.Warm && r.Why == "" {
		return text + "."
	}
	return text + because(r) + "."
}

func start(r *receipt.Receipt) time.Duration {
	return r.Making() + r.Spent[receipt.Runtime] + r.Spent[receipt.Init]
}

func sayStart(r *receipt.Receipt, cost time.Duration) string {
	if r.Start == receipt.Restore {
		return fmt.Sprintf("It waited %s for a restore (SnapStart)%s: %s to wake the sandbox, %s for your hooks after it.",
			amount(cost), because(r), amount(r.Making()), amount(r.Spent[receipt.Runtime]+r.Spent[receipt.Init]))
	}
	return fmt.Sprintf("It waited %s for a start (%s)%s: %s for the sandbox, %s for the runtime, %s for your code's initialisation.",
		amount(cost), r.Start, because(r), sandboxText(r), amount(r.Spent[receipt.Runtime]), amount(r.Spent[receipt.Init]))
}

// sandboxText says what the sandbox took, and what of that a machine did.
func sandboxText(r *receipt.Receipt) string {
	text := amount(r.Making())
	var parts []string
	for _, p := range []receipt.Phase{receipt.Boot, receipt.Resume, receipt.Attach} {
		if d := r.Spent[p]; d > 0 {
			parts = append(parts, amount(d)+" "+p.String())
		}
	}
	if len(parts) == 0 {
		return text
	}
	return text + " (" + strings.Join(parts, ", ") + ")"
}

// because is the receipt's own reason.
func because(r *receipt.Receipt) string {
	if r.Why == "" {
		return ""
	}
	return ", because " + clause(r.Why)
}

// clause is a reason as part of a sentence: on a line of their own the commonest have no verb or article.
func clause(reason string) string {
	switch {
	case strings.HasPrefix(reason, "first invocation"):
		return "it was the " + reason
	case strings.HasPrefix(reason, "configuration changed"):
		return "the " + reason
	}
	return reason
}

// during keeps what was used to the time in which the function ran: it is counted a
// little longer, until its output has arrived.
func during(a receipt.Amount[time.Duration], r *receipt.Receipt) time.Duration {
	if !a.Known {
		return 0
	}
	return min(a.Value, r.Spent[receipt.Handler])
}

func throttled(r *receipt.Receipt) time.Duration   { return during(r.Used.Throttled, r) }
func waiting(r *receipt.Receipt) time.Duration     { return during(r.Used.Waiting, r) }
func memoryStall(r *receipt.Receipt) time.Duration { return during(r.Used.MemoryStall, r) }
func ioStall(r *receipt.Receipt) time.Duration     { return during(r.Used.IOStall, r) }
func onCPU(r *receipt.Receipt) time.Duration       { return during(r.Used.CPU, r) }

func sayThrottled(r *receipt.Receipt, _ time.Duration) string {
	return "Its CPU limit (" + lambda.CPUTag + ") held it back for " + amount(r.Used.Throttled.Value) + ", summed over CPUs."
}

func sayWaiting(r *receipt.Receipt, cost time.Duration) string {
	text := "It was ready to run and waited at least " + amount(cost) + " for a CPU" + beside(r.Neighbours)
	if r.Class == lambda.ClassBatch {
		text += "; it is of the batch class, which gives way"
	}
	if len(r.Neighbours) == 0 {
		text += "; no other function used any to speak of meanwhile: " + others(r)
	}
	return text + "."
}

// hostWaiting is what may have made Lambent late: that something of the host waited for a
// CPU for longer than the function did.
func hostWaiting(r *receipt.Receipt) time.Duration {
	host := during(r.Used.HostWaiting, r)
	if !r.Used.Waiting.Known || host <= waiting(r) {
		return 0
	}
	return host
}

func sayHostWaiting(_ *receipt.Receipt, cost time.Duration) string {
	return "For at least " + amount(cost) + " something on this host waited for a CPU: it can have been Lambent itself, which hands over the event and takes the answer."
}

// others says who else can have used the CPU.
func others(r *receipt.Receipt) string {
	if displaced(r) > 0 {
		return "for " + amount(displaced(r)) + " or more of it other programs of this host did"
	}
	return "its own threads did, or other programs of this host"
}

// beside names who used most, and counts the others.
func beside(all []receipt.Neighbour) string {
	if len(all) == 0 {
		return ""
	}
	text := " beside " + all[0].Function + " (" + amount(all[0].CPU) + " on CPUs)"
	switch others := len(all) - 1; others {
	case 0:
		return text
	case 1:
		return text + " and " + all[1].Function
	default:
		return text + fmt.Sprintf(" and %d others", others)
	}
}

func sayMemory(r *receipt.Receipt, cost time.Duration) string {
	return "It waited " + amount(cost) + " for memory" + faults(&r.Used) + ": near its memory limit the kernel takes pages away and reads them again."
}

func faults(u *receipt.Used) string {
	switch {
	case u.Faults.Known && u.MajorFaults.Known:
		return fmt.Sprintf(" (%d page faults, %d of them read from a device)", u.Faults.Value, u.MajorFaults.Value)
	case u.Faults.Known:
		return fmt.Sprintf(" (%d page faults)", u.Faults.Value)
	}
	return ""
}

func sayIO(r *receipt.Receipt, cost time.Duration) string {
	var details []string
	if r.Used.ReadBytes.Known && r.Used.WrittenBytes.Known {
		details = append(details, bytes(r.Used.ReadBytes.Value)+" read, "+bytes(r.Used.WrittenBytes.Value)+" written")
	}
	if n := r.Used.MajorFaults; n.Known && n.Value > 0 {
		details = append(details, fmt.Sprintf("%d page faults read from a device", n.Value))
	}
	text := "It waited " + amount(cost) + " for a disk"
	if len(details) > 0 {
		text += " (" + strings.Join(details, "; ") + ")"
	}
	return text + "."
}

func sayCPU(r *receipt.Receipt, _ time.Duration) string {
	return "Its processes were on a CPU for " + amount(r.Used.CPU.Value) + "."
}

// elsewhere is what of the handler's time is explained by nothing that this host did. It
// is a lower bound: what is taken off may overlap, and is taken for the most that it can
// have been. Unless all of it is known, so is not this.
func elsewhere(r *receipt.Receipt) time.Duration {
	u := &r.Used
	if u.Shared || !u.CPU.Known || !u.Waiting.Known || !u.IOStall.Known || !u.MemoryStall.Known || !u.Throttled.Known || !u.HostWaiting.Known || u.CPUs < 1 {
		return 0
	}
	rest := r.Spent[receipt.Handler] - u.CPU.Value - u.Throttled.Value
	for _, stall := range stalls(u) {
		rest -= most(r, stall)
	}
	return max(min(rest, r.Spent[receipt.Handler]-mostOfHost(r)), 0)
}

func stalls(u *receipt.Used) [3]time.Duration {
	return [3]time.Duration{u.Waiting.Value, u.IOStall.Value, u.MemoryStall.Value}
}

// mostOfHost is the longest that Lambent can have waited for a CPU.
func mostOfHost(r *receipt.Receipt) time.Duration {
	return longest(r.Used.CPUs, r.Used.HostWaiting.Value, time.Duration(r.Used.CPUs)*r.Spent[receipt.Handler])
}

// most is the longest that something of the function can have been held up.
func most(r *receipt.Receipt, some time.Duration) time.Duration {
	return longest(r.Used.CPUs, some, busy(r))
}

// longest is the longest that something can have been held up when pressure shows some. Linux
// takes the mean of what each of N CPUs saw, w, weighted by how long it was not idle, n >= w:
// some = Σwn/Σn. With Σwn >= (Σw)²/N and Σn <= Σw + busy, Σw is at most the root of
// x² - N·some·(x + busy).
func longest(cpus int, some, busy time.Duration) time.Duration {
	part := float64(cpus) * float64(some)
	return time.Duration((part + math.Sqrt(part*part+4*part*float64(busy))) / 2)
}

// busy is the most that CPUs were not idle, beside the stall that is looked at: that
// something ran, or, where there were several kinds of stalls, all the time.
func busy(r *receipt.Receipt) time.Duration {
	kinds := 0
	for _, stall := range stalls(&r.Used) {
		if stall > 0 {
			kinds++
		}
	}
	if kinds > 1 {
		return time.Duration(r.Used.CPUs) * r.Spent[receipt.Handler]
	}
	return r.Used.CPU.Value
}

func sayElsewhere(_ *receipt.Receipt, cost time.Duration) string {
	return "For at least " + amount(cost) + " it asked for no CPU and no disk: it slept, or waited for an answer from elsewhere."
}

func sayResponse(_ *receipt.Receipt, cost time.Duration) string {
	return "After the first byte of its answer the rest took " + amount(cost) + "."
}

// amount writes a time with two or three digits that count.
func amount(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case d == 0:
		return "0 ms"
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case ms >= 10:
		return fmt.Sprintf("%.0f ms", ms)
	case ms >= 1:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.2f ms", ms)
}

func bytes(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
