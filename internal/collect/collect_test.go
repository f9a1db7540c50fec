package collect_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/collect"
)

// host is a shelf with its users. What it holds was put at a time.
type host struct {
	mu     sync.Mutex // guards what follows
	put    map[string]time.Time
	stored map[string]bool
	shown  map[string]bool
	broken error // of Users
	stuck  map[string]error
}

func newHost() *host {
	return &host{put: map[string]time.Time{}, stored: map[string]bool{}, shown: map[string]bool{}, stuck: map[string]error{}}
}

// holds puts digests that are old enough to go.
func (h *host) holds(digests ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, digest := range digests {
		h.put[digest] = time.Now().Add(-time.Hour)
	}
}

func (h *host) Digests(context.Context) (all []string, _ error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for digest := range h.put {
		all = append(all, digest)
	}
	slices.Sort(all)
	return all, nil
}

func (h *host) DeleteOlder(_ context.Context, digest string, than time.Time) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ok := h.put[digest]
	if err := h.stuck[digest]; err != nil || !ok || !at.Before(than) {
		return false, err
	}
	delete(h.put, digest)
	return true, nil
}

func (h *host) users(_ context.Context, yield func(string)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for digest := range h.stored {
		yield(digest)
	}
	return h.broken
}

func (h *host) shows(digest string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.shown[digest]
}

func (h *host) collector() *collect.Collector {
	return collect.New(collect.Settings{
		Shelves: map[string]collect.Shelf{"things": h}, Users: h.users, Shown: h.shows, Log: slog.New(slog.DiscardHandler),
	})
}

func (h *host) want(t *testing.T, digests ...string) {
	t.Helper()
	if got, _ := h.Digests(t.Context()); !slices.Equal(got, digests) {
		t.Errorf("left are %v, want %v", got, digests)
	}
}

func TestRoundRemovesOnlyWhatNobodyUses(t *testing.T) {
	h := newHost()
	h.holds("stored", "shown", "unused")
	h.stored["stored"], h.shown["shown"] = true, true
	h.put["young"] = time.Now()
	if removed, err := h.collector().Round(t.Context()); err != nil || removed != 1 {
		t.Errorf("removed %d, %v, want 1", removed, err)
	}
	h.want(t, "shown", "stored", "young")
}

func TestWhatLostItsLastUserStaysForOneRound(t *testing.T) {
	for _, known := range []string{"from a round", "from the start"} {
		t.Run(known, func(t *testing.T) {
			h := newHost()
			h.holds("a")
			c := h.collector()
			if known == "from the start" {
				c.Used("a")
			} else {
				h.stored["a"] = true
				round(t, c)
				delete(h.stored, "a")
			}
			round(t, c)
			h.want(t, "a")
			round(t, c)
			h.want(t)
		})
	}
}

func round(t *testing.T, c *collect.Collector) {
	t.Helper()
	if _, err := c.Round(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNothingIsRemovedWhileTheUsersAreUnknown(t *testing.T) {
	h := newHost()
	h.holds("a")
	h.broken = errors.New("database is locked")
	if removed, err := h.collector().Round(t.Context()); removed != 0 || !errors.Is(err, h.broken) {
		t.Errorf("removed %d, %v", removed, err)
	}
	h.want(t, "a")
}

func TestWhatCannotBeRemovedKeepsNothingElse(t *testing.T) {
	h := newHost()
	h.holds("a", "b", "c")
	h.stuck["b"] = errors.New("busy")
	if removed, err := h.collector().Round(t.Context()); removed != 2 || !errors.Is(err, h.stuck["b"]) {
		t.Errorf("removed %d, %v", removed, err)
	}
	h.want(t, "b")
}

func TestRunLooksAtOnceAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		h.holds("a")
		var log bytes.Buffer
		c := collect.New(collect.Settings{
			Shelves: map[string]collect.Shelf{"things": h}, Users: h.users, Shown: h.shows, Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		ctx, stop := context.WithCancelCause(t.Context())
		ended := make(chan struct{})
		go func() { c.Run(ctx); close(ended) }()
		synctest.Wait()
		h.want(t)
		h.holds("b")
		time.Sleep(collect.DefaultEvery + time.Second)
		synctest.Wait()
		h.want(t)
		stop(errors.New("test is over"))
		<-ended
		if n := bytes.Count(log.Bytes(), []byte("removed unused packages")); n != 2 {
			t.Errorf("log = %s", &log)
		}
	})
}

// Functions that share packages are created and deleted all the time: what was put is
// there when it is stored, and what is stored stays.
func TestRoundsRaceCreatesAndDeletions(t *testing.T) {
	h := newHost()
	c := h.collector()
	users := map[string]int{} // guarded by h.mu: creations under way and functions that are stored
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 500 {
				h.live(t, fmt.Sprint("package", (worker+i)%3), users)
			}
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	for {
		round(t, c)
		select {
		case <-ended:
			return
		default:
		}
	}
}

// live is the life of one function.
func (h *host) live(t *testing.T, digest string, users map[string]int) {
	step := func(f func()) {
		h.mu.Lock()
		defer h.mu.Unlock()
		f()
	}
	there := func() {
		if _, ok := h.put[digest]; !ok {
			t.Errorf("%s was removed while it was needed", digest)
		}
	}
	step(func() { users[digest]++; h.put[digest] = time.Now() })
	step(func() { there(); h.stored[digest] = true })
	step(func() {
		there()
		if users[digest]--; users[digest] == 0 { // the last one: time passes
			delete(h.stored, digest)
			h.put[digest] = time.Now().Add(-time.Hour)
		}
	})
}
