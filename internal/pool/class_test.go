package pool_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
)

// TestTheLatencyClassComesFirst has one instance and events that came before callers that
// wait.
func TestTheLatencyClassComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, func(s *pool.Settings) { s.MemoryBudget, s.QueueTimeout = 128, time.Hour })
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		var mu sync.Mutex
		var order []string
		var all sync.WaitGroup
		send := func(kind lambda.InvocationType, name string) {
			all.Go(func() {
				inv := &lambda.Invocation{Function: fn.ID, Target: fn, Type: kind, Payload: []byte("1s"), Arrived: time.Now()}
				if _, err := h.Invoke(context.Background(), inv, &lambda.Buffer{Cap: 1 << 10}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			})
			synctest.Wait()
		}
		send(lambda.RequestResponse, "busy")
		send(lambda.Event, "event 1")
		send(lambda.Event, "event 2")
		send(lambda.RequestResponse, "caller 1")
		send(lambda.RequestResponse, "caller 2")
		all.Wait()
		if diff := cmp.Diff([]string{"busy", "caller 1", "caller 2", "event 1", "event 2"}, order); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
