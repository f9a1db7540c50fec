package load

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// Closed runs do in n goroutines, each again as soon as it returns, until d is over or ctx
// ends. do is told which goroutine calls it. An error ends that goroutine's turn. It returns
// when all calls have returned, with the first error.
func Closed(ctx context.Context, n int, d time.Duration, do func(worker int) error) error {
	end := time.Now().Add(d)
	return each(n, func(worker int) error {
		for time.Now().Before(end) && ctx.Err() == nil {
			if err := do(worker); err != nil {
				return err
			}
		}
		return context.Cause(ctx)
	})
}

// Burst runs do once in each of n goroutines, let go together.
func Burst(n int, do func(worker int) error) error {
	gate := make(chan struct{})
	var ready sync.WaitGroup
	ready.Add(n)
	go func() { ready.Wait(); close(gate) }()
	return each(n, func(worker int) error {
		ready.Done()
		<-gate
		return do(worker)
	})
}

// Open calls do at a fixed rate per second for d, whatever earlier calls are doing: what a
// slow answer delays is part of the latency of those that had to wait for it. do gets the
// moment at which its request was meant to be sent, from which its latency counts. n bounds
// the calls under way; where all are, later ones queue with the time that they were meant for.
func Open(ctx context.Context, n int, rate float64, d time.Duration, do func(worker int, meant time.Time) error) error {
	sleep, err := newSleeper()
	if err != nil {
		return err
	}
	defer sleep.close()
	due := make(chan time.Time, int(rate*d.Seconds())+1) // never blocks: all that will be sent fits
	var dispatched error
	go func() {
		defer close(due)
		dispatched = dispatch(ctx, sleep, rate, d, due)
	}()
	return each(n, func(worker int) error {
		for meant := range due {
			if err := do(worker, meant); err != nil {
				for range due { // let the dispatcher end
				}
				return err
			}
		}
		return cmp.Or(dispatched, context.Cause(ctx)) // due is closed: it has ended
	})
}

// each runs do in n goroutines and returns the first error when all have ended.
func each(n int, do func(worker int) error) error {
	var (
		all   sync.WaitGroup
		once  sync.Once
		first error
	)
	for worker := range n {
		all.Go(func() {
			if err := do(worker); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	all.Wait()
	return first
}

// dispatch sends the moments of a rate into due, each when it has come.
func dispatch(ctx context.Context, sleep sleeper, rate float64, d time.Duration, due chan<- time.Time) error {
	began, gap := time.Now(), time.Duration(float64(time.Second)/rate)
	for offset := time.Duration(0); offset < d && ctx.Err() == nil; offset += gap {
		meant := began.Add(offset)
		if err := sleep.until(meant); err != nil {
			return err
		}
		due <- meant
	}
	return nil
}
