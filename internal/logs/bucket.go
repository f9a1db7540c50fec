package logs

import "time"

// bucket is a token bucket of bytes. A line passes while there is any token and may
// leave a debt, so that a line longer than the burst passes too, and later ones pay.
type bucket struct {
	rate, burst float64 // bytes per second, bytes; rate <= 0: no bound
	tokens      float64
	at          time.Time // when tokens was right
}

// newBucket returns a full one. A burst below a second of the rate would hold back a
// function that keeps to it.
func newBucket(o *Options) bucket {
	burst := float64(max(o.Burst, o.RateBytes))
	return bucket{rate: float64(o.RateBytes), burst: burst, tokens: burst}
}

func (b *bucket) take(n int64, now time.Time) bool {
	if b.rate <= 0 {
		return true
	}
	if !b.at.IsZero() && now.After(b.at) {
		b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.at).Seconds())
	}
	b.at = now
	if b.tokens <= 0 {
		return false
	}
	b.tokens -= float64(n)
	return true
}
