package receipt

import "strconv"

// Usage is the value of the header X-Lambent-Usage: the peak of the instance's memory in
// bytes, and the time on CPU and held back by a quota during the invocation in
// milliseconds, as "memory=38797312, cpu=1.234, throttled=0.000".
func (r *Receipt) Usage() string {
	return "memory=" + strconv.FormatInt(r.MemoryPeak, 10) +
		", cpu=" + decimal(milliseconds(r.CPU)) + ", throttled=" + decimal(milliseconds(r.Throttled))
}

func decimal(ms float64) string { return strconv.FormatFloat(ms, 'f', 3, 64) }
