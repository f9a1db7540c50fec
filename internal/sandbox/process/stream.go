package process

import (
	"context"
	"fmt"
	"net"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// streamFD is the stream channel's descriptor in a command: the first after stderr.
const streamFD = 3

// Open implements the method of sandbox.Sandbox.
func (b *box) Open(ctx context.Context) (net.Conn, error) {
	p, err := b.streaming()
	if err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	ctx, free := b.within(ctx)
	defer free()
	conn, err := p.streams.Open(ctx)
	switch {
	case err == nil:
		return conn, nil
	case context.Cause(ctx) != nil:
		return nil, fmt.Errorf("opening a stream to box %s: %w", b.id, context.Cause(ctx))
	case stream.Ended(err):
		return nil, errNoReader
	}
	return nil, fmt.Errorf("opening a stream to box %s: %w", b.id, err)
}

// errNoReader is the answer of Open after the command has ended.
var errNoReader = fmt.Errorf("opening a stream: its command has ended: %w", sandbox.ErrClosed)

// streaming returns the most recent command with a stream channel.
func (b *box) streaming() (*process, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.usable("opening a stream to"); err != nil {
		return nil, err
	}
	switch {
	case b.channel == nil:
		return nil, fmt.Errorf("opening a stream to box %s: no command was run with a stream", b.id)
	case b.channel.ended():
		return nil, errNoReader
	}
	return b.channel, nil
}
