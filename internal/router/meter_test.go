package router_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/router"
)

// retryAfter is what a throttle says, which there must be.
func retryAfter(t *testing.T, l *router.Local, name string) time.Duration {
	t.Helper()
	_, err := l.TryAcquire(id(name), lambda.Latest)
	var e *lambda.Error
	if !errors.As(err, &e) || e.Kind != lambda.ErrTooManyRequests {
		t.Fatalf("err = %v", err)
	}
	return e.RetryAfter
}

func hold(t *testing.T, l *router.Local, name string) (release func()) {
	t.Helper()
	release, err := l.TryAcquire(id(name), lambda.Latest)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// A throttle says when a permit is expected back: of n that are out and are held for d on
// average, the next after d/n.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, two := router.NewLocal(10), 2
		l.Assign(id("f"), router.Allocation{Reserved: &two})
		first, second := hold(t, l, "f"), hold(t, l, "f")
		if d := retryAfter(t, l, "f"); d != 0 {
			t.Errorf("nothing was measured: %v", d)
		}
		time.Sleep(30 * time.Second)
		first()
		second()
		third, fourth := hold(t, l, "f"), hold(t, l, "f")
		if d := retryAfter(t, l, "f"); d != 15*time.Second {
			t.Errorf("two that are held for 30 s: the next after %v", d)
		}
		third()
		fourth()
	})
}

// What lacks decides: where the account is at its limit, its functions' permits count.
func TestRetryAfterOfTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := router.NewLocal(1)
		release := hold(t, l, "slow")
		time.Sleep(time.Minute)
		release()
		release = hold(t, l, "slow")
		if d := retryAfter(t, l, "other"); d != time.Minute {
			t.Errorf("the next permit after %v", d)
		}
		release()
	})
}

// A function that has become fast is known as that after some requests.
func TestRetryAfterForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := router.NewLocal(1)
		release := hold(t, l, "f")
		time.Sleep(time.Hour)
		release()
		for range 1000 {
			release = hold(t, l, "f")
			time.Sleep(time.Second)
			release()
		}
		release = hold(t, l, "f")
		if d := retryAfter(t, l, "f"); d > 2*time.Second {
			t.Errorf("the next permit after %v", d)
		}
		release()
	})
}
