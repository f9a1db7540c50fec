package slowest_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/slowest"
)

// beside tells every request who it asked for.
type beside struct{}

func (beside) During(from, to time.Time, request string) []receipt.Neighbour {
	return []receipt.Neighbour{{Function: "beside " + request, CPU: to.Sub(from)}}
}

func id(name string) lambda.FunctionID { return lambda.FunctionID{Name: name} }

// took is the receipt of an invocation that took so many ms.
func took(ms int) *receipt.Receipt {
	r := &receipt.Receipt{RequestID: strconv.Itoa(ms), TailLog: []byte("log")}
	r.Add(receipt.Handler, time.Duration(ms)*time.Millisecond)
	return r
}

// running has a list whose Run ends with the test.
func running(t testing.TB) *slowest.List {
	l := slowest.New(beside{})
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { l.Run(ctx) })
	t.Cleanup(func() { stop(); done.Wait() })
	return l
}

func shown(t *testing.T, l *slowest.List, name string) (ids []string) {
	t.Helper()
	all, err := l.Of(context.Background(), id(name))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		ids = append(ids, r.RequestID)
		if r.TailLog != nil || r.Neighbours[0] != (receipt.Neighbour{Function: "beside " + r.RequestID, CPU: r.Wall()}) {
			t.Errorf("kept %+v", r)
		}
	}
	return ids
}

func TestTheSlowestStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t)
		for ms := range 200 {
			l.Offer(id("fn"), took((ms*37)%200))
			synctest.Wait()
		}
		l.Offer(id("other"), took(5000))
		want := []string{"199", "198", "197", "196", "195", "194", "193", "192", "191", "190"}
		if diff := cmp.Diff(want, shown(t, l, "fn")); diff != "" {
			t.Error(diff)
		}
		l.Offer(lambda.FunctionID{Account: "222222222222", Name: "fn"}, took(6000)) // the same name of another account
		if diff := cmp.Diff(want, shown(t, l, "fn")); diff != "" {
			t.Error(diff)
		}
		if got := shown(t, l, "nobody"); got != nil {
			t.Errorf("of a function that never ran: %v", got)
		}
	})
}

// TestTheOldLeave: a cold start of long ago does not hide what is slow now.
func TestTheOldLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t)
		for _, step := range []struct {
			offer int
			want  []string
		}{{900, []string{"900"}}, {5, []string{"900", "5"}}, {7, []string{"7", "5"}}, {3, []string{"7", "3"}}} {
			l.Offer(id("fn"), took(step.offer))
			if diff := cmp.Diff(step.want, shown(t, l, "fn")); diff != "" {
				t.Error(diff)
			}
			time.Sleep(30*time.Minute + time.Second)
		}
		time.Sleep(time.Hour)
		if got := shown(t, l, "fn"); got != nil {
			t.Errorf("after an hour of nothing: %v", got)
		}
	})
}

func TestFunctionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t)
		for i := range 2100 {
			l.Offer(id(fmt.Sprint("fn", i)), took(i))
			time.Sleep(time.Millisecond)
		}
		if first, last := shown(t, l, "fn0"), shown(t, l, "fn2099"); first != nil || last == nil {
			t.Errorf("kept %v and %v", first, last)
		}
	})
}

// TestNobodyWaits offers to a list that nobody runs.
func TestNobodyWaits(t *testing.T) {
	l := slowest.New(beside{})
	for ms := range 1000 {
		l.Offer(id("fn"), took(ms))
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	if _, err := l.Of(ctx, id("fn")); err == nil {
		t.Error("an answer came from a list that does not run")
	}
}

// BenchmarkOfferFast is what every invocation pays that is not slow.
func BenchmarkOfferFast(b *testing.B) {
	l := running(b)
	for range slowest.Most {
		l.Offer(id("fn"), took(1000))
	}
	if _, err := l.Of(b.Context(), id("fn")); err != nil {
		b.Fatal(err)
	}
	fast := took(1)
	b.ReportAllocs()
	for b.Loop() {
		l.Offer(id("fn"), fast)
	}
}
