package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"lambent.dev/lambent/bench/load"
)

// Requests of many connections get their own answers, from processes that send back what they
// get.
func TestRelayMixesNothingUp(t *testing.T) {
	addr := freeAddress(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- relay(ctx, addr, 2, []string{"cat"}) }()
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() { exchangeAll(t, addr, worker) })
	}
	all.Wait()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func exchangeAll(t *testing.T, addr string, worker int) {
	c, err := load.Dial(t.Context(), addr)
	for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); c, err = load.Dial(t.Context(), addr) {
		time.Sleep(time.Millisecond) // it is not listening yet
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	for i := range 50 {
		body := fmt.Sprintf(`{"worker":%d,"request":%d}`, worker, i)
		if a, err := c.Do(load.Post(addr, "/", []byte(body))); err != nil || string(a.Body) != body {
			t.Errorf("%q, %v, want %q", a.Body, err, body)
			return
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
