package pool_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

const usualAfter = 16 // flights, as pace.go has it

// measured is a host whose function starts in boot and has been seen to take as long as
// each of the payloads.
func measured(t *testing.T, boot time.Duration, payloads ...string) (*host, *lambda.Target) {
	t.Helper()
	h := newHost(t, &starter{boot: boot}, nil)
	fn := target("f", 1)
	h.Keep(fn.ID, fn)
	for _, p := range payloads {
		h.ok(fn, p)
	}
	return h, fn
}

// starts is how many instances were started so far.
func (h *host) starts() int {
	n, _ := h.starter.live()
	return n
}

// crowd sends n requests of 10 ms at once.
func (h *host) crowd(fn *lambda.Target, n int) (all []<-chan answer) {
	for range n {
		all = append(all, h.spawn(fn, "10ms"))
	}
	return all
}

func TestWaitsWhereThatIsSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, fn := measured(t, 100*ms, "10ms", "10ms")
		busy := h.spawn(fn, "10ms")
		synctest.Wait()
		second := h.ok(fn, "10ms")
		if second.took != 20*ms || second.rec.Start != receipt.Warm || h.starts() != 1 {
			t.Errorf("took %v, %s, %d starts", second.took, second.rec.Start, h.starts())
		}
		<-busy
	})
}

func TestStartsWhereThatIsSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, fn := measured(t, 40*ms, "1s", "1s")
		busy := h.spawn(fn, "1s")
		synctest.Wait()
		if second := h.ok(fn, "1s"); second.took != 1040*ms || h.starts() != 2 {
			t.Errorf("took %v, %d starts", second.took, h.starts())
		}
		<-busy
	})
}

// What a request has run already counts: of one that takes 1 s, 990 ms are over. The other does not
// look again just when it ends.
func TestExpectsWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, fn := measured(t, 80*ms, "1s", "1s")
		busy := h.spawn(fn, "1s")
		time.Sleep(990 * ms)
		if second := h.ok(fn, "1s"); second.took != 1010*ms || h.starts() != 1 {
			t.Errorf("took %v, %d starts", second.took, h.starts())
		}
		<-busy
	})
}

// An expectation that fails is noticed after a quarter of a start.
func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, fn := measured(t, 100*ms, "10ms", "10ms")
		busy := h.spawn(fn, "10s")
		synctest.Wait()
		if second := h.ok(fn, ""); second.took != 125*ms || second.rec.Start != receipt.Cold { // a quarter of a start's time, and a start
			t.Errorf("took %v, %s", second.took, second.rec.Start)
		}
		<-busy
	})
}

// One that runs longer than all before promises nothing.
func TestOutlierPromisesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, fn := measured(t, 100*ms, "10ms", "10ms")
		busy := h.spawn(fn, "10s")
		time.Sleep(20 * ms)
		if second := h.ok(fn, ""); second.took != 100*ms {
			t.Errorf("took %v", second.took)
		}
		<-busy
	})
}

// often is a host whose function has been seen to take 10 ms so often that it is usual.
func often(t *testing.T) (*host, *lambda.Target) {
	t.Helper()
	return measured(t, 100*ms, slices.Repeat([]string{"10ms"}, usualAfter)...)
}

// Where what is usual is known, one that runs longer is given a quarter of a start: the whole
// machine may have stood still.
func TestOverdueIsGivenAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, fn := often(t)
		busy := h.spawn(fn, "40ms")
		time.Sleep(30 * ms)
		all := h.crowd(fn, 5)
		for _, a := range all {
			if got := <-a; got.took > 60*ms || got.rec.Start != receipt.Warm {
				t.Errorf("took %v, %s", got.took, got.rec.Start)
			}
		}
		<-busy
		if h.starts() != 1 {
			t.Errorf("%d starts", h.starts())
		}
	})
}

// After the moment each that waits has its start.
func TestMomentEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, fn := often(t)
		busy := h.spawn(fn, "10s")
		time.Sleep(20 * ms)
		first, second := h.spawn(fn, "1s"), h.spawn(fn, "1s")
		for _, a := range []<-chan answer{first, second} {
			if got := <-a; got.took != 1125*ms || got.rec.Start != receipt.Cold {
				t.Errorf("took %v, %s", got.took, got.rec.Start)
			}
		}
		<-busy
	})
}

// One that is overdue is expected to take only as many as are done before a start would be there.
func TestMomentIsForAsManyAsItCanServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, fn := often(t)
		busy := h.spawn(fn, "30ms")
		time.Sleep(20 * ms)
		all := h.crowd(fn, 30)
		synctest.Wait()
		if got, want := h.Stats().Starting, 30-8; got != want { // it ends at 25 ms, then seven more
			t.Errorf("%d starts, want %d", got, want)
		}
		for _, a := range all {
			<-a
		}
		<-busy
	})
}

// An instance takes several of those that wait before another would be there; the rest
// gets starts.
func TestBurstStartsWhatItNeeds(t *testing.T) {
	for _, c := range []struct {
		waiting, starts int
	}{{1, 0}, {5, 0}, {10, 0}, {14, 4}, {30, 20}} {
		t.Run(fmt.Sprint(c.waiting), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, fn := measured(t, 100*ms, "10ms", "10ms")
				answers := []<-chan answer{h.spawn(fn, "10ms")}
				synctest.Wait()
				answers = append(answers, h.crowd(fn, c.waiting)...)
				synctest.Wait()
				if got := h.Stats().Starting; got != c.starts {
					t.Errorf("%d starts, want %d", got, c.starts)
				}
				for _, a := range answers {
					if got := <-a; got.err != nil || got.took > 120*ms {
						t.Errorf("%v after %v", got.err, got.took)
					}
				}
			})
		})
	}
}

// A failed start leaves nobody without one.
func TestPatientRequestOutlivesFailedStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, fn := measured(t, 100*ms, "10ms")
		h.starter.failure = func(n int, _ *lambda.Target) error {
			if n == 2 {
				return fmt.Errorf("start %d fails", n)
			}
			return nil
		}
		busy := h.spawn(fn, "1h")
		synctest.Wait()
		if got := h.ok(fn, ""); got.took != 225*ms { // a moment, the start that fails, another
			t.Errorf("took %v", got.took)
		}
		_ = busy
	})
}
