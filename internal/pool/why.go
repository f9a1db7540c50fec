package pool

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/receipt"
)

// Sentences for receipts: why a request met no idle instance.
const (
	whyFirst   = "first invocation of this version"
	whyChanged = "configuration changed"
	whyEvicted = "the instance was closed to free memory for others"
	whyEnded   = "the instance ended while it was idle"
	whyTimeout = "the instance timed out before"
	whyCrashed = "the instance crashed before"
	whyBroken  = "an answer of the instance broke off before"
	whyRestart = "the runtime had ended before"
	whyClosing = "Lambent was stopping"

	whyUnused     = "the request that the instance was taken for had left"
	whyNoSnapshot = "; all initialised instances were taken"

	whyWoken    = "the instance's memory had been pushed out while it was idle"
	whyReleased = "provisioned concurrency was lowered or moved"
)

// whyBusy says it of a group with busy instances and starts under way.
func whyBusy(busy, starting int) string {
	switch {
	case busy+starting == 1 && starting == 0:
		return "the only instance is busy"
	case busy+starting == 1:
		return "the only instance is still starting"
	case starting == 0:
		return "all " + strconv.Itoa(busy) + " instances are busy"
	}
	return "all " + strconv.Itoa(busy+starting) + " instances are busy or starting"
}

// whySpilt says it of a group of whose wanted provisioned instances some are ready.
func whySpilt(wanted, ready int) string {
	switch {
	case wanted == 0:
		return ""
	case ready < wanted:
		return fmt.Sprintf("%d of %d provisioned instances are initialised, none of them is free", ready, wanted)
	case wanted == 1:
		return "the only provisioned instance is busy"
	}
	return fmt.Sprintf("all %d provisioned instances are busy", wanted)
}

// restarts are the faults after which the next invocation starts the runtime again. Source:
// package instance.
var restarts = [...]string{faultTimeout, "Runtime.ExitError", "Runtime.OutOfMemory"}

// faultTimeout is the error type of a function that exceeded its timeout.
const faultTimeout = "Sandbox.Timedout"

// spent says why no other request may have the instance after an invocation; "" if one
// may.
func (m *member) spent(r *receipt.Receipt, err error) string {
	switch {
	case errors.Is(err, instance.ErrGone):
		return whyEnded
	case m.mustRestart(r.Fault) && r.Fault == faultTimeout:
		return whyTimeout
	case m.mustRestart(r.Fault):
		return whyCrashed
	case m.inst.Reusable():
		return ""
	case r.Fault == faultTimeout:
		return whyTimeout
	}
	return whyCrashed
}

// mustRestart says of a provisioned instance that the next request would wait until the
// function is initialised again. Where several run at once a fault is its request's alone.
func (m *member) mustRestart(fault string) bool {
	return m.provisioned() && !m.target.Shared() && slices.Contains(restarts[:], fault)
}

// unused says what is wrong with an instance whose request leaves without having used it: one
// that it was to initialise is of no use to another.
func (l *lease) unused() string {
	if l.opens {
		return whyUnused
	}
	return ""
}

// swapFault notes how an invocation ended, and says how the one before did.
func (m *member) swapFault(ended string) (before string) {
	m.faults.Lock()
	defer m.faults.Unlock()
	before, m.fault = m.fault, ended
	return before
}

// whyRestarted says why an instance started its runtime again; fault is how the
// invocation before ended.
func whyRestarted(fault string) string {
	switch fault {
	case "":
		return whyRestart
	case faultTimeout:
		return whyTimeout
	}
	return whyCrashed
}

// lease is an instance given to a request, or why there is none.
type lease struct {
	member *member
	err    error

	// fresh says that the request waited for the instance and is one of its first.
	fresh bool
	opens bool // it is not initialised: the request does that
	why   string
	since time.Time // when the request began to wait

	woken bool // the instance's memory was pushed out while it was idle
}

// mark writes into r how the request got its instance. now is when it got it.
func (l *lease) mark(r *receipt.Receipt, now time.Time) {
	fault := l.member.swapFault(r.Fault)
	switch {
	case l.fresh:
		l.markLaunch(r, now)
	case r.Start == receipt.Restore:
		l.markRestore(r, now)
	case r.Start != "": // the instance knows better
	case r.Spent[receipt.Runtime]+r.Spent[receipt.Init] > 0:
		r.Start, r.Why = receipt.Cold, whyRestarted(fault)
	case l.member.provisioned():
		r.Start = receipt.Provisioned
	case l.woken:
		r.Start, r.Why = receipt.Warm, whyWoken
	default:
		r.Start = receipt.Warm
	}
}

// markRestore is mark for the first request of an instance that was initialised ahead. Its
// thaw was the pool's. It may have been taken before, for a request that left.
func (l *lease) markRestore(r *receipt.Receipt, now time.Time) {
	r.Why = cmp.Or(l.why, whyUnused)
	if !l.since.IsZero() {
		r.Add(receipt.Sandbox, now.Sub(l.since))
	}
}

// markLaunch is mark for the request that waited for the start.
func (l *lease) markLaunch(r *receipt.Receipt, now time.Time) {
	launch := l.member.inst.Launch()
	r.Start, r.Why = launch.Kind, l.why
	if launch.Note != "" {
		r.Why += "; " + launch.Note
	}
	if l.member.provisioned() { // it came while the request waited
		r.Start = receipt.Provisioned
	}
	if r.Start == "" {
		r.Start = receipt.Cold
	}
	r.Wait(l.since, now, launch)
}
