package light

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// things counts what a pool made and has not freed.
type things struct {
	made, live atomic.Int32
	fault      atomic.Pointer[error]
}

func (c *things) stock(least, most int) stock[int] {
	return stock[int]{
		name: "thing", least: least, most: most,
		make: func(context.Context) (int, error) {
			time.Sleep(2 * time.Millisecond)
			if err := c.fault.Load(); err != nil {
				return 0, *err
			}
			c.live.Add(1)
			return int(c.made.Add(1)), nil
		},
		free: func(int) { c.live.Add(-1) },
	}
}

func takeN(t *testing.T, p *pool[int], n int) {
	t.Helper()
	for range n {
		if _, err := p.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.free(0) // its user is done with it
	}
}

// wantReady holds how many wait once the pool has had time to fill.
func wantReady(t *testing.T, p *pool[int], want int) {
	t.Helper()
	time.Sleep(time.Second)
	synctest.Wait()
	if got := len(p.ready); got != want {
		t.Errorf("%d wait, want %d", got, want)
	}
}

func TestPoolGrowsWithBurstsAndShrinksWhenCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c things
		p := newPool(c.stock(4, 10), slog.New(slog.DiscardHandler))
		wantReady(t, p, 4)
		takeN(t, p, 4)
		wantReady(t, p, 4) // they sufficed
		takeN(t, p, 5)
		wantReady(t, p, 8)
		takeN(t, p, 20)
		wantReady(t, p, 10) // the ceiling
		time.Sleep(3 * poolCalm)
		wantReady(t, p, 4)
		p.close()
		if n := c.live.Load(); n != 0 {
			t.Errorf("%d are left", n)
		}
		takeN(t, p, 1) // made anew
	})
}

func TestPoolThatCannotMakeSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c things
		full := errors.New("disk is full")
		c.fault.Store(&full)
		p := newPool(c.stock(1, 4), slog.New(slog.DiscardHandler))
		defer p.close()
		if _, err := p.take(t.Context()); !errors.Is(err, full) {
			t.Errorf("take = %v", err)
		}
		c.fault.Store(nil)
		time.Sleep(poolPause)
		wantReady(t, p, 2)
	})
}
