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
	began, t := time.Now(), time.NewTicker(patience)
	defer t.Stop()
	for {
		select {
		case <-done:
			fmt.Fprint(w, "\r\x1b[K")
			return
		case <-t.C:
			fmt.Fprintf(w, "\r\x1b[K%s… %d s", what(), int(time.Since(began).Seconds()))
		}
	}
}
