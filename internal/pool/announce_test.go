package pool_test

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAnAnnouncedRequestFindsItsStartUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 100 * ms}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.Announce(fn, "")
		h.Announce(fn, "") // it begins no second one
		time.Sleep(60 * ms)
		if got := h.ok(fn, ""); got.took != 40*ms {
			t.Errorf("it waited %v for a start that was begun 60 ms before", got.took)
		}
		h.Announce(fn, "") // an idle instance will take it
		synctest.Wait()
		if s := h.Stats(); s.Idle != 1 || s.Starting != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAnAnnouncementOfNobodyLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		h.Announce(target("gone", 1), "")
		synctest.Wait()
		if s := h.Stats(); s.Idle+s.Starting+s.Busy != 0 {
			t.Errorf("%+v", s)
		}
	})
}
