package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"lambent.dev/lambent/internal/control"
	"lambent.dev/lambent/internal/receipt"
)

// screen is a narrator for people.
type screen struct {
	look     style
	terminal bool
	// mu guards w.
	mu sync.Mutex
	w  io.Writer
}

func (s *screen) print(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := io.WriteString(s.w, text+"\n")
	return err
}

// note says what Lambent does.
func (s *screen) note(form string, args ...any) {
	_ = s.print(s.look.dim("· " + fmt.Sprintf(form, args...)))
}

func (s *screen) deployed(d *deployed, took time.Duration) {
	s.note("%s %s in %d ms: %s, %s", d.Action, d.Name, took.Milliseconds(), d.Runtime, d.Handler)
}

func (s *screen) watching(path, name string) {
	s.note("watching %s; invoke it from another shell: lambent invoke %s '{}'", path, name)
}

func (s *screen) failed(err error) { _ = s.print(s.look.red("✗ " + err.Error())) }

func (s *screen) line(l control.Line) error {
	text := string(l.Text)
	if s.terminal {
		text = printable(l.Text)
	}
	return s.print(s.look.dim(l.Time.Local().Format("15:04:05.000")) + " " + text)
}

// receipt shows a receipt in one line: phases that took less than 0.1 ms are left out.
func (s *screen) receipt(r *receipt.Receipt) {
	parts := []string{fmt.Sprintf("%s %s ms:", r.Start, milliseconds(r.Wall()))}
	for p, d := range r.Parts {
		if d >= 100*time.Microsecond {
			parts = append(parts, fmt.Sprintf("%s %.1f", p, float64(d)/float64(time.Millisecond)))
		}
	}
	if r.Fault != "" {
		parts = append(parts, "· "+r.Fault)
	}
	if r.Why != "" {
		parts = append(parts, "· "+r.Why)
	}
	_ = s.print(s.look.green("⏱ " + strings.Join(parts, " ")))
}
