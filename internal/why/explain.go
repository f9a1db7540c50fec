package why

import (
	"cmp"
	"slices"
	"time"

	"lambent.dev/lambent/internal/receipt"
)

// Explanation is what a receipt says to a person.
type Explanation struct {
	Verdict string   `json:"verdict"`           // one sentence
	Because []string `json:"because,omitempty"` // the causes that matter, the costliest first
	Unknown []string `json:"unknown,omitempty"` // what this receipt cannot tell
}

// Explain explains one receipt.
func Explain(r *receipt.Receipt) Explanation {
	found := matter(r)
	e := Explanation{Verdict: verdict(r), Unknown: unknown(r)}
	for _, f := range found {
		e.Because = append(e.Because, f.cause.say(r, f.cost))
	}
	return e
}

// finding is a cause that applies, and the time that it explains.
type finding struct {
	cause cause
	cost  time.Duration
}

// matter finds the causes that explain a twentieth of the wall time or more.
func matter(r *receipt.Receipt) []finding {
	var all []finding
	for _, c := range causes {
		if cost := c.cost(r); cost > 0 && cost >= r.Wall()/20 {
			all = append(all, finding{c, cost})
		}
	}
	slices.SortStableFunc(all, func(a, b finding) int { return cmp.Compare(b.cost, a.cost) })
	return all
}

// verdict says whose time it was, where most of it has one owner.
func verdict(r *receipt.Receipt) string {
	theirs, half := notTheCode(r), r.Wall()/2
	own := onCPU(r) + r.Spent[receipt.Init]
	switch {
	case r.Wall() == 0:
		return "It took no time."
	case theirs > half && own < half:
		return "Your code wasn't the problem: " + atLeast(r) + amount(theirs) + " of " + amount(r.Wall()) + " passed around it."
	case r.Spent[receipt.Init] > half:
		return "Most of it was your code's initialisation: " + amount(r.Spent[receipt.Init]) + " of " + amount(r.Wall()) + "."
	case onCPU(r) > half:
		return "Most of it was your code at work: " + amount(onCPU(r)) + " of " + amount(r.Wall()) + " on a CPU."
	case elsewhere(r) > half:
		return "For at least " + amount(elsewhere(r)) + " of " + amount(r.Wall()) + " your code asked for no CPU and no disk: it slept, or waited for an answer."
	}
	return "No single cause took most of the " + amount(r.Wall()) + "."
}

func atLeast(r *receipt.Receipt) string {
	if displaced(r) > 0 {
		return "at least "
	}
	return ""
}

// notTheCode is the time that passed before the function's code had the event, and that it
// waited for a CPU on which somebody else ran. Initialisation is code; waiting for disks and
// memory, and a CPU limit, may be the code's doing.
func notTheCode(r *receipt.Receipt) time.Duration {
	return r.Spent[receipt.Queue] + r.Making() + r.Spent[receipt.Runtime] + displaced(r)
}

// displaced is the least time that it waited for a CPU on which others ran: where it waited
// for its own threads, these ran meanwhile, and that is among its CPU time.
func displaced(r *receipt.Receipt) time.Duration {
	if !r.Used.CPU.Known {
		return 0
	}
	return max(waiting(r)-r.Used.CPU.Value, 0)
}

// unknown says what was not measured.
func unknown(r *receipt.Receipt) []string {
	if r.Used.Shared {
		return []string{"The instance ran other requests at the same time: what each of them used cannot be told apart."}
	}
	var all []string
	for _, u := range []struct {
		known bool
		text  string
	}{
		{r.Used.CPU.Known, "How long it was on a CPU was not measured."},
		{r.Used.Waiting.Known, "This host does not measure how long something waits for a CPU: `lambent doctor` says why."},
		{r.Used.IOStall.Known, "This host does not measure how long something waits for I/O."},
	} {
		if !u.known {
			all = append(all, u.text)
		}
	}
	return all
}
