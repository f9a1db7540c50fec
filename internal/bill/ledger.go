package bill

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"lambent.dev/lambent/internal/price"
)

// account is what is kept of a function: sums and histograms.
type account struct {
	number      uint32 // of its arrivals
	invocations int64
	cold        int64
	failed      int64
	restores    int64
	undated     int64
	first, last time.Time
	init        time.Duration // all of it
	restore     time.Duration
	inits       *hdrhistogram.Histogram // in µs
	durations   *hdrhistogram.Histogram
	memoryMB    int64 // the latest
	months      map[month]*use
}

// month counts from the year 0; 0 stands for invocations without a time, which are taken
// for those of one month.
type month int

func monthOf(at time.Time) month {
	if at.IsZero() {
		return 0
	}
	return month(at.Year()*12 + int(at.Month()))
}

// use is what was billed in a month, memory × time in MB·ms: whole numbers, which add up
// without error.
type use struct {
	requests int64
	billed   int64
	initial  int64 // of billed: INIT
	unused   int64 // of billed: memory above Max Memory Used
	restored int64 // Billed Restore Duration
}

// gbSeconds turns MB·ms into GB-seconds.
func gbSeconds(mbms int64) float64 { return float64(mbms) / 1024 / 1000 }

func newAccount(number uint32) *account {
	return &account{number: number, inits: newHistogram(), durations: newHistogram(), months: map[month]*use{}}
}

// longest is where histograms end; what is longer counts as this.
const longest = 2 * time.Hour

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, longest.Microseconds(), 3) }

func observe(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d, time.Microsecond), longest).Microseconds()) // in range
}

func (a *account) add(v *Invocation) {
	a.invocations++
	a.memoryMB = v.MemoryMB
	observe(a.durations, v.Duration)
	if v.Failed {
		a.failed++
	}
	a.addStart(v)
	a.addTime(v)
	a.use(monthOf(v.Ended)).add(v)
}

func (a *account) addStart(v *Invocation) {
	if v.Cold {
		a.cold++
		a.init += v.Init
		observe(a.inits, v.Init)
	}
	if v.Restore > 0 {
		a.restores++
		a.restore += v.Restore
		observe(a.inits, v.Restore)
	}
}

func (a *account) addTime(v *Invocation) {
	if v.Ended.IsZero() {
		a.undated++
		return
	}
	if at := v.arrived(); a.first.IsZero() || at.Before(a.first) {
		a.first = at
	}
	if v.Ended.After(a.last) {
		a.last = v.Ended
	}
}

func (a *account) use(m month) *use {
	u := a.months[m]
	if u == nil {
		u = &use{}
		a.months[m] = u
	}
	return u
}

func (u *use) add(v *Invocation) {
	u.requests++
	u.billed += v.MemoryMB * v.Billed.Milliseconds()
	u.initial += v.MemoryMB * v.billedInit().Milliseconds()
	u.unused += max(0, v.MemoryMB-v.UsedMB) * v.Billed.Milliseconds()
	u.restored += v.MemoryMB * v.Restored.Milliseconds()
}

// rates are what a GB-second cost on average in each month: the steps of the price count
// all functions together.
func rates(accounts map[string]*account, c price.Compute) map[month]float64 {
	total := map[month]float64{}
	for _, a := range accounts {
		for m, u := range a.months {
			total[m] += gbSeconds(u.billed)
		}
	}
	rates := map[month]float64{}
	for m, gbs := range total {
		rates[m] = c.Duration[0].GBSecond
		if gbs > 0 {
			rates[m] = c.Month(gbs) / gbs
		}
	}
	return rates
}
