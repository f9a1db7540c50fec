package microvm

import (
	"context"
	"io"
	"net"
	"strconv"
	"sync"

	"lambent.dev/lambent/internal/sandbox/agent"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/agent/wire"
)

// pipes make where commands of a box write: a stream of the wire for each.
type pipes box

// Open implements agent.Pipes.
func (p *pipes) Open(_ string, w io.Writer) (string, agent.Output, error) {
	b := (*box)(p)
	if w == nil {
		w = io.Discard
	}
	o := &outlet{box: b, w: w, came: make(chan struct{}), over: make(chan struct{}), done: make(chan struct{})}
	o.ticket = b.Tickets.Expect(o.take)
	go o.pump()
	return strconv.FormatUint(o.ticket, 10), o, nil
}

// outlet carries what a command writes. One goroutine waits for it until Finish; whoever needs
// what is already there reads it itself.
type outlet struct {
	box    *box
	ticket uint64
	w      io.Writer
	once   sync.Once
	came   chan struct{} // closed when stream is there
	stream *wire.Stream
	over   chan struct{} // closed by Finish
	done   chan struct{} // the goroutine ended

	mu  sync.Mutex // held while bytes go from the stream to w: they stay in order
	buf [16 << 10]byte
}

// take is called with the connection that the agent makes.
func (o *outlet) take(conn net.Conn) {
	taken := false
	o.once.Do(func() {
		o.stream, _ = conn.(*wire.Stream) // the wire makes no others
		taken = o.stream != nil
		close(o.came)
	})
	if !taken {
		_ = conn.Close() // a ticket is good once
	}
}

// pump delivers until the stream's end or Finish.
func (o *outlet) pump() {
	defer close(o.done)
	select {
	case <-o.came:
	case <-o.over:
		return
	}
	for o.stream != nil && o.stream.Await() {
		o.drain()
	}
}

// drain delivers what is there. What the writer says is not the command's concern.
func (o *outlet) drain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		n, err := o.stream.TryRead(o.buf[:])
		if n == 0 || err != nil {
			return
		}
		_, _ = o.w.Write(o.buf[:n])
	}
}

// Began implements agent.Output.
func (o *outlet) Began() {}

// Sync implements agent.Output. What a command wrote before the agent answers is on this side of
// the wire then.
func (o *outlet) Sync(ctx context.Context) error {
	select {
	case <-o.done: // all was delivered
		return nil
	default:
	}
	if err := o.box.Ask(ctx, &agentproto.Request{Sync: &agentproto.Sync{Ticket: o.ticket}}); err != nil {
		return err
	}
	synced := make(chan struct{})
	go func() { // ends with the writer, which ctx does not bound
		defer close(synced)
		o.drainCame()
	}()
	select {
	case <-synced:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// drainCame is drain for an outlet that may never have been opened.
func (o *outlet) drainCame() {
	select {
	case <-o.came:
		if o.stream != nil {
			o.drain()
		}
	default:
	}
}

// Finish implements agent.Output. The agent sent what was left before it said that the command
// ended.
func (o *outlet) Finish() {
	o.box.Tickets.Forget(o.ticket)
	close(o.over)
	o.once.Do(func() { close(o.came) })
	if o.stream != nil {
		o.drain()
		_ = o.stream.Close() // it may have ended with the wire
	}
	<-o.done
}
