package router_test

import (
	"testing"
	"testing/synctest"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox/fake"
)

func TestAnnouncementBeginsAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWhole(t, fake.Script{}, nil)
		defer w.finish(t)
		w.put(t, 1)
		w.Announce(t.Context(), &lambda.Invocation{Function: f})
		synctest.Wait()
		if s := w.pool.Stats(); s.Idle != 1 {
			t.Errorf("%+v, want an idle instance", s)
		}
	})
}

// A function that its owner has switched off runs nothing, not even its initialisation.
func TestAnnouncementThatIsNotAdmittedBeginsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWhole(t, fake.Script{}, nil)
		defer w.finish(t)
		fn, none := code(1), 0
		fn.ReservedConcurrency = &none
		if err := w.Put(fn); err != nil {
			t.Fatal(err)
		}
		w.Announce(t.Context(), &lambda.Invocation{Function: f})
		w.Announce(t.Context(), &lambda.Invocation{Function: f, Qualifier: "7"})
		w.Announce(t.Context(), &lambda.Invocation{Function: lambda.FunctionID{Name: "nobody"}})
		synctest.Wait()
		if s := w.pool.Stats(); s.Idle+s.Starting != 0 {
			t.Errorf("%+v, want nothing", s)
		}
	})
}
