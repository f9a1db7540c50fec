package main

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/reaper"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// box is the agent's state. What changes the box runs on the main thread, one request after
// the other; what waits for others (streams, the network) on goroutines.
type box struct {
	control  int
	setup    *agentproto.Setup
	null     int
	bound    bool
	children *reaper.Reaper

	mu        sync.Mutex // protects the fields below
	channels  map[uint64]int
	listeners map[uint64]io.Closer
}

// serve answers requests until the daemon is gone.
func serve(control int) error {
	unix.CloseOnExec(control)
	b := &box{control: control, null: -1, channels: make(map[uint64]int), listeners: make(map[uint64]io.Closer)}
	b.children = reaper.New(b.ended)
	packet := make([]byte, initproto.MaxPacket)
	for {
		var r agentproto.Request
		_, err := initproto.ReceiveInto(control, packet, 0, &r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("receiving a request: %w", err)
		}
		if err := b.answer(r); err != nil {
			return err
		}
	}
}

// answer carries a request out and replies to it, at once or from a goroutine that ends with
// the request or with the box. An error ends the agent, and with it the box.
func (b *box) answer(r agentproto.Request) error {
	if work := b.waiting(r); work != nil {
		go func() {
			address, err := work()
			_ = b.reply(r.Seq, address, err) // the daemon is gone, which serve sees, too
		}()
		return nil
	}
	err := b.do(r)
	if told := b.reply(r.Seq, "", err); told != nil || err != nil || r.Bind == nil {
		return told
	}
	return b.dropRights()
}

func (b *box) reply(seq uint64, address string, err error) error {
	m := agentproto.Message{Message: initproto.Message{Seq: seq}, Address: address}
	if err != nil {
		m.Message = initproto.Failure(seq, err)
	}
	return initproto.Send(b.control, m)
}

func (b *box) do(r agentproto.Request) error {
	switch {
	case r.Setup != nil && b.setup == nil:
		return b.finish(r.Setup)
	case r.Bind != nil && b.setup != nil && !b.bound:
		return b.bind(r.Bind)
	case r.Run != nil && (b.bound || b.setup != nil && r.Run.Start != 0):
		return b.run(r.Run)
	case r.Signal != nil:
		return b.children.Signal(r.Signal.ID, r.Signal.Number)
	case r.Reset != nil:
		b.children.KillAll()
		return nil
	case r.Freeze != nil && r.Freeze.Frozen:
		return freeze()
	case r.Freeze != nil:
		return thaw()
	}
	return fmt.Errorf("request %d is out of order", r.Seq)
}

// waiting is the work of a request that may wait for somebody; nil for the others.
func (b *box) waiting(r agentproto.Request) func() (string, error) {
	switch {
	case r.Open != nil:
		return func() (string, error) { return "", b.open(r.Open) }
	case r.Listen != nil:
		return func() (string, error) { return b.listen(r.Listen) }
	case r.Unlisten != nil:
		return func() (string, error) { return "", b.unlisten(r.Unlisten.Ticket) }
	case r.Dial != nil:
		return func() (string, error) { return "", b.dial(r.Dial) }
	}
	return nil
}

// ended reports a command's end and closes its channel: streams that wait in it end.
func (b *box) ended(e reaper.Exit) {
	b.mu.Lock()
	channel, has := b.channels[e.ID]
	delete(b.channels, e.ID)
	b.mu.Unlock()
	if has {
		_ = unix.Shutdown(channel, unix.SHUT_RDWR) // wakes who still sends
		_ = unix.Close(channel)
	}
	exit := initproto.Exit(e)
	// A failure means that the daemon is gone, and serve sees that, too.
	_ = initproto.Send(b.control, agentproto.Message{Message: initproto.Message{Exit: &exit}})
}
