package pool_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

func TestHoldsFromBeforeTheStartUntilItIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms, close: 30 * ms}, nil)
		fn := target("f", 1)
		fn.Version.Code.Digest = "code"
		fn.Version.Layers = []lambda.LayerRef{{Digest: "layer"}}
		h.Keep(fn.ID, fn)
		wantHeld := func(when string, want bool) {
			t.Helper()
			synctest.Wait()
			for _, digest := range []string{"code", "layer"} {
				if h.Holds(digest) != want {
					t.Errorf("%s: Holds(%s) = %v", when, digest, !want)
				}
			}
		}
		wantHeld("before", false)
		call := h.spawn(fn, "100ms")
		wantHeld("starting", true)
		time.Sleep(50 * ms)
		wantHeld("busy", true)
		h.Keep(fn.ID) // deleted
		wantHeld("busy, and its group is gone", true)
		<-call
		wantHeld("closing", true)
		time.Sleep(40 * ms)
		wantHeld("closed", false)
	})
}

func TestFailedStartHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{failure: func(int, *lambda.Target) error { return errors.New("no room") }}, nil)
		fn := target("f", 1)
		fn.Version.Code.Digest = "code"
		h.Keep(fn.ID, fn)
		<-h.spawn(fn, "")
		synctest.Wait()
		if h.Holds("code") {
			t.Error("a start that failed still holds its code")
		}
	})
}
