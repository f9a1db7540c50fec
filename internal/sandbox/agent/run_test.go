package agent

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
)

// counted counts the outputs that it opens, and how often they are finished.
type counted struct{ opened, finished atomic.Int32 }

func (c *counted) Open(string, io.Writer) (string, Output, error) {
	c.opened.Add(1)
	return "out", c, nil
}
func (c *counted) Began()                     {}
func (c *counted) Sync(context.Context) error { return nil }
func (c *counted) Finish()                    { c.finished.Add(1) }

// A box may die while a command is being started in it: its end and the start that fails both
// know the command's outputs, and one of them finishes these, once.
func TestOutputsAreFinishedOnce(t *testing.T) {
	for name, dies := range map[string]bool{"the box dies": true, "the box lives": false} {
		outputs := &counted{}
		b := &Box{ID: "b", Pipes: outputs, Tickets: &Tickets{}, RanOut: func() bool { return false }}
		p := &Process{box: b, id: b.nextID(), done: make(chan struct{})}
		var undo cleanup.Stack
		if err := p.connect(sandbox.Command{Stream: true, Direct: true}, &undo); err != nil {
			t.Fatal(err)
		}
		if err := b.register(p); err != nil {
			t.Fatal(err)
		}
		if dies {
			b.End(errors.New("killed"))
			b.EndAll()
			<-p.done
		}
		b.abandon(p, &undo)
		undo.Run(nil)
		if opened, n := outputs.opened.Load(), outputs.finished.Load(); opened == 0 || n != opened {
			t.Errorf("%s: %d outputs were opened and finished %d times", name, opened, n)
		}
		if err := b.register(p); dies == (err == nil) {
			t.Errorf("%s: then a command can be registered: %v", name, err)
		}
	}
}
