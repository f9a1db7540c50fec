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
	world    world
	setup    *agentproto.Setup
	null     int
	bound    bool
	children *reaper.Reaper

	mu        sync.Mutex // protects the fields below
	channels  map[uint64]int
	outputs   map[uint64][]sink // of commands
	listeners map[uint64]io.Closer
}

// world is where the agent lives: gVisor, or a guest. Its methods may be called from many
// goroutines, but the ones below the empty line from the main thread only.
type world interface {
	send(m agentproto.Message) error
	// stream connects to the host with a ticket: a socket that a command can inherit.
	stream(ticket uint64) (int, error)
	// connect is stream for the agent itself.
	connect(ticket uint64) (end, error)
	// open opens where a command writes.
	open(name string) (sink, error)
	// crowd is what the kernel says of a channel in which too many streams wait (TIOCOUTQ).
	crowd() int
	// ask answers what only one of the worlds is asked; false = not this one.
	ask(b *box, r *agentproto.Request) (answer func() (*agentproto.Used, error), knows bool)

	receive(r *agentproto.Request) error
	finish(s *agentproto.Setup) error
	bind(b *box, m *agentproto.Bind) error
	// dropRights gives up what would let the agent, if it was taken over, change the box again.
	dropRights() error
	// fork runs f, which starts a command, where its limits are.
	fork(f func() (int, error)) (int, error)
}

// sink is where a command writes.
type sink struct {
	fd    int    // for the command; the agent closes it when the command has it
	sync  func() // delivers what was written before the call; nil = nothing must be done
	close func() // as above

	ticket uint64 // of the stream to which it goes, in a guest
}

// serve answers requests until the daemon is gone.
func serve(w world, newReaper func(report func(reaper.Exit)) *reaper.Reaper) error {
	b := &box{
		world: w, null: -1, channels: make(map[uint64]int), outputs: make(map[uint64][]sink), listeners: make(map[uint64]io.Closer),
	}
	b.children = newReaper(b.ended)
	for {
		var r agentproto.Request
		err := w.receive(&r)
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
			_ = b.reply(r.Seq, agentproto.Message{Address: address}, err) // the daemon is gone, which serve sees, too
		}()
		return nil
	}
	if answer, knows := b.world.ask(b, &r); knows {
		go func() {
			used, err := answer()
			_ = b.reply(r.Seq, agentproto.Message{Used: used}, err) // as above
		}()
		return nil
	}
	err := b.do(r)
	if told := b.reply(r.Seq, agentproto.Message{}, err); told != nil || err != nil || r.Bind == nil {
		return told
	}
	if b.setup.Privileged {
		return nil
	}
	return b.world.dropRights()
}

func (b *box) reply(seq uint64, m agentproto.Message, err error) error {
	m.Seq = seq
	if err != nil {
		m.Message = initproto.Failure(seq, err)
	}
	return b.world.send(m)
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
	}
	return fmt.Errorf("request %d is out of order", r.Seq)
}

// waiting is the work of a request that may wait for somebody; nil for the others.
func (b *box) waiting(r agentproto.Request) func() (string, error) {
	switch {
	case r.Open != nil:
		return func() (string, error) { return "", b.openStream(r.Open) }
	case r.Listen != nil:
		return func() (string, error) { return b.listen(r.Listen) }
	case r.Unlisten != nil:
		return func() (string, error) { return "", b.unlisten(r.Unlisten.Ticket) }
	case r.Dial != nil:
		return func() (string, error) { return "", b.dial(r.Dial) }
	}
	return nil
}

// ended reports a command's end and closes its channel: streams that wait in it end. What it
// wrote is delivered before.
func (b *box) ended(e reaper.Exit) {
	b.mu.Lock()
	channel, has := b.channels[e.ID]
	outputs := b.outputs[e.ID]
	delete(b.channels, e.ID)
	delete(b.outputs, e.ID)
	b.mu.Unlock()
	if has {
		_ = unix.Shutdown(channel, unix.SHUT_RDWR) // wakes who still sends
		_ = unix.Close(channel)
	}
	if len(outputs) == 0 {
		b.report(e)
		return
	}
	go func() { // ends when the host has read the output, or with the box
		finish(outputs)
		b.report(e)
	}()
}

func finish(outputs []sink) {
	for _, s := range outputs {
		s.sync()
		s.close()
	}
}

// report fails when the daemon is gone, and serve sees that, too.
func (b *box) report(e reaper.Exit) {
	exit := initproto.Exit(e)
	_ = b.world.send(agentproto.Message{Message: initproto.Message{Exit: &exit}})
}
