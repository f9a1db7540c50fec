package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	players  = 400
	inFlight = 64                   // requests at once, all in one instance
	interval = 3 * time.Millisecond // between two players
)

// matchmaker deploys the JavaScript example with many requests at once in one reserved
// instance, and lets players come.
func matchmaker(ctx context.Context, s *server, examples string) ([]row, error) {
	runtime := hostNode(ctx)
	if runtime == "" {
		say("leaving out matchmaker (JavaScript): this host has no node on the PATH")
		return nil, nil
	}
	say("deploying matchmaker (JavaScript, %s; %d requests at once in one instance)", runtime, inFlight)
	dir := filepath.Join(examples, "matchmaker")
	pkg, err := zipFolder(dir, "index.mjs", "lobby.mjs")
	if err != nil {
		return nil, err
	}
	fn, rows, _, err := s.show(ctx, dir, function{
		name: "matchmaker", runtime: runtime, handler: "index.handler", memory: 256, zip: pkg,
		tags: map[string]string{"lambent:concurrency": fmt.Sprint(inFlight)}, reserved: inFlight,
	})
	if err != nil {
		return nil, err
	}
	lobby := &arrivals{fn: fn}
	if err := lobby.run(ctx); err != nil {
		return nil, err
	}
	return rows, lobby.tell()
}

// arrivals are players who come one after another and wait, up to inFlight of them at once.
type arrivals struct {
	fn *function

	mu      sync.Mutex // guards what follows
	pairs   int
	seconds []time.Duration // how long the second player of each pair waited for the answer
	starts  int             // further instances
	failed  error
}

func (a *arrivals) run(ctx context.Context) error {
	var waiting sync.WaitGroup
	seats, dice := make(chan struct{}, inFlight), rand.New(rand.NewPCG(1, 2))
	for n := range players {
		seats <- struct{}{}
		time.Sleep(interval)
		rating := min(max(1500+300*dice.NormFloat64(), 0), 5000)
		waiting.Go(func() {
			defer func() { <-seats }()
			a.join(ctx, n, rating)
		})
	}
	waiting.Wait()
	return a.failed
}

// join is one player.
func (a *arrivals) join(ctx context.Context, n int, rating float64) {
	event := fmt.Appendf(nil, `{"player":"p%d","rating":%.0f,"patienceMs":2000}`, n, rating)
	r, out, err := a.fn.invoke(ctx, event)
	var match struct {
		Match    *int
		WaitedMs int
	}
	if err == nil {
		err = json.Unmarshal(out.Payload, &match)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil || out.FunctionError != nil:
		a.failed = fmt.Errorf("player %d: %w: %s", n, err, out.Payload)
	case match.Match != nil:
		a.pairs++
		if match.WaitedMs == 0 {
			a.seconds = append(a.seconds, r.client)
		}
	}
	if err == nil && r.start != "warm" {
		a.starts++
	}
}

// tell says what came of it.
func (a *arrivals) tell() error {
	if len(a.seconds) == 0 {
		return fmt.Errorf("matchmaker paired nobody of %d players", players)
	}
	slices.Sort(a.seconds)
	at := func(share float64) float64 {
		return float64(a.seconds[int(share*float64(len(a.seconds)-1))]) / float64(time.Millisecond)
	}
	note("%d players: %d pairs, further instances started: %d", players, a.pairs/2, a.starts)
	note("from the second player's request to the answer: %.1f ms, 99 of 100 within %.1f ms (a frame: 16.7 ms)", at(0.5), at(0.99))
	return nil
}
