package queuetest

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/queue"
)

// Bench measures Put with one caller and with many at once, and a whole life of an item.
func Bench(b *testing.B, fresh func(b *testing.B) Place) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("Put/callers=%d", callers), func(b *testing.B) { benchPut(b, fresh(b), callers) })
	}
	b.Run("Life/callers=64", func(b *testing.B) { benchLife(b, fresh(b)) })
}

// benchItem has a body of a common size.
func benchItem() queue.Item { return item("f", `{"key":"`+strings.Repeat("x", 1000)+`"}`) }

// benchPut reports the wall time per item, and the mean wait of a caller.
func benchPut(b *testing.B, place Place, callers int) {
	q := open(b, place, 1)
	var left, waited atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var all errgroup.Group
	for range callers {
		all.Go(func() error {
			for left.Add(-1) >= 0 {
				began := time.Now()
				if err := q.Put(b.Context(), benchItem()); err != nil {
					return err
				}
				waited.Add(int64(time.Since(began)))
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(waited.Load())/float64(b.N)/1e3, "µs-wait/item")
}

// benchLife takes items and ends them, up to 64 at once.
func benchLife(b *testing.B, place Place) {
	q := open(b, place, 1)
	var puts errgroup.Group
	puts.SetLimit(64)
	for range b.N {
		puts.Go(func() error { return q.Put(b.Context(), benchItem()) })
	}
	if err := puts.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for left := b.N; left > 0; {
		taken, err := q.Take(b.Context(), queue.Request{Group: group, Now: start, Limit: 64})
		if err != nil {
			b.Fatal(err)
		}
		left -= len(taken.Leases)
		var ends errgroup.Group
		for _, l := range taken.Leases {
			ends.Go(func() error { return q.Done(b.Context(), l) })
		}
		if err := ends.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}
