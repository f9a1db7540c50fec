package control

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

// Receipts hands the receipts of invocations on to those who watch a function. The zero
// value is ready for use by many goroutines.
type Receipts struct {
	// mu guards watchers.
	mu       sync.RWMutex
	watchers map[*watcher]struct{}
}

type watcher struct {
	id       lambda.FunctionID
	receipts chan receipt.Receipt
}

// watchBuffer is how many receipts wait for a slow reader, who misses what comes beyond.
const watchBuffer = 256

// Publish hands a receipt on. It never waits, and costs next to nothing if nobody watches.
func (r *Receipts) Publish(id lambda.FunctionID, done receipt.Receipt) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for w := range r.watchers {
		if w.id != id {
			continue
		}
		select {
		case w.receipts <- done:
		default:
		}
	}
}

// watch begins to collect a function's receipts until stop.
func (r *Receipts) watch(id lambda.FunctionID) (w *watcher, stop func()) {
	w = &watcher{id, make(chan receipt.Receipt, watchBuffer)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watchers == nil {
		r.watchers = map[*watcher]struct{}{}
	}
	r.watchers[w] = struct{}{}
	return w, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, w)
	}
}

// receipts answers with a function's receipts as they come, one JSON value per line.
func (s *server) receipts(rw http.ResponseWriter, r *http.Request) {
	id, err := s.find(r.Context(), r.PathValue("name"))
	if err != nil {
		http.Error(rw, err.Error(), statusOf(err))
		return
	}
	w, stop := s.Receipts.watch(id)
	defer stop()
	rw.Header().Set("Content-Type", "application/x-ndjson")
	flush(rw) // the reader learns that it watches before there is a receipt
	out := json.NewEncoder(rw)
	for next := range w.until(r.Context(), s.ending) {
		if out.Encode(next) != nil {
			return // the reader left
		}
		flush(rw)
	}
}

// slowest answers with the receipts of a function's slowest invocations, one JSON value
// per line, the slowest first.
func (s *server) slowest(rw http.ResponseWriter, r *http.Request) {
	id, err := s.find(r.Context(), r.PathValue("name"))
	if err != nil {
		http.Error(rw, err.Error(), statusOf(err))
		return
	}
	all, err := s.Slowest.Of(r.Context(), id)
	if err != nil {
		return // the reader left
	}
	rw.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(rw)
	for _, one := range all {
		if out.Encode(one) != nil {
			return
		}
	}
}

// until yields receipts until one of the contexts ends.
func (w *watcher) until(reader, server context.Context) func(func(receipt.Receipt) bool) {
	return func(yield func(receipt.Receipt) bool) {
		for {
			select {
			case next := <-w.receipts:
				if !yield(next) {
					return
				}
			case <-reader.Done():
				return
			case <-server.Done():
				return
			}
		}
	}
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}
