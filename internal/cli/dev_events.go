package cli

import (
	"encoding/json"
	"io"
	"sync"
	"time"

	"lambent.dev/lambent/internal/control"
	"lambent.dev/lambent/internal/receipt"
)

// eventWriter is a narrator for machines: JSON, an event a line.
type eventWriter struct {
	// mu guards out.
	mu  sync.Mutex
	out *json.Encoder
}

func newEventWriter(w io.Writer) *eventWriter {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return &eventWriter{out: out}
}

func (e *eventWriter) tell(event any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.out.Encode(event)
}

func (e *eventWriter) deployed(d *deployed, took time.Duration) {
	_ = e.tell(struct {
		Event string `json:"event"`
		*deployed
		TookMS int64 `json:"tookMs"`
	}{"deployed", d, took.Milliseconds()})
}

func (e *eventWriter) watching(path, name string) {
	_ = e.tell(struct {
		Event string `json:"event"`
		Path  string `json:"path"`
		Name  string `json:"name"`
	}{"watching", path, name})
}

func (e *eventWriter) failed(err error) {
	_ = e.tell(struct {
		Event string `json:"event"`
		Error string `json:"error"`
	}{"failed", err.Error()})
}

func (e *eventWriter) line(l control.Line) error {
	return e.tell(struct {
		Event string `json:"event"`
		jsonLine
	}{"log", jsonLineOf(l)})
}

func (e *eventWriter) receipt(r *receipt.Receipt) {
	_ = e.tell(struct {
		Event   string           `json:"event"`
		Receipt *receipt.Receipt `json:"receipt"`
	}{"receipt", r})
}
