package cli

import (
	"fmt"
	"io"
	"time"
)

// patience is how long something may take before a person is told what it is.
const patience = time.Second

// during runs do and, where w is a terminal and do takes longer than patience, shows what
// is being done and for how long. Nothing of it is left on the screen.
func during(w io.Writer, what string, do func() error) error {
	return duringSome(w, func() string { return what }, do)
}

// duringSome is during for what can say how far it is.
func duringSome(w io.Writer, what func() string, do func() error) error {
	if !onTerminal(w) {
		return do()
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() { defer close(gone); tick(w, what, done) }()
	err := do()
	close(done)
	<-gone
	return err
}

func tick(w io.Writer, what func() string, done <-chan struct{}) {
	began, t, shown := time.Now(), time.NewTicker(patience), ""
	defer t.Stop()
	for {
		select {
		case <-done:
			fmt.Fprint(w, shown)
			return
		case <-t.C:
			shown = clearLine
			fmt.Fprintf(w, clearLine+"%s… %d s", what(), int(time.Since(began).Seconds()))
		}
	}
}

// clearLine empties a terminal's line: to its start, then erase to its end (ECMA-48's EL).
const clearLine = "\r\x1b[K"

// lineAbove prints whole lines on w while during shows on the terminal below what is being done.
type lineAbove struct{ w, below io.Writer }

// Write implements io.Writer. Each call is one line.
func (l lineAbove) Write(line []byte) (int, error) {
	if onTerminal(l.below) {
		fmt.Fprint(l.below, clearLine)
	}
	return l.w.Write(line)
}
