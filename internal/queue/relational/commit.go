package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/queue"
)

// Bounds of what one transaction takes in.
const (
	maxCalls = 256
	maxBytes = 16 << 20
	// commitLimit bounds what a batch may take, so that a database that does not answer
	// stops callers for no longer.
	commitLimit = 30 * time.Second
	// maxTries bounds how often a transaction that lost a race is run again.
	maxTries = 5
)

var errCommitTooSlow = errors.New("the queue's database took too long")

// call is what somebody waits for.
type call struct {
	doing string
	size  int // bytes that it writes, about
	// do runs in a transaction that may be rolled back and run again.
	do   func(ctx context.Context, tx *sql.Tx) error
	done chan error // capacity 1: the writer never waits
}

// commit hands a call to the writer and waits until it is durable. ctx bounds the wait for
// the writer only: a call that has begun is not left, or a Take could lease what nobody
// knows of.
func (q *Queue) commit(ctx context.Context, c *call) error {
	c.done = make(chan error, 1)
	select {
	case q.calls <- c:
	case <-q.stop:
		return q.dialect.About(c.doing, queue.ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", c.doing, context.Cause(ctx))
	}
	return q.dialect.About(c.doing, <-c.done)
}

func (q *Queue) writeUntilStopped() {
	defer close(q.stopped)
	for {
		select {
		case c := <-q.calls:
			q.finish(q.gather(c))
		case <-q.stop:
			q.closeErr = q.closePools()
			return
		}
	}
}

// gather adds to a call all that wait now, within bounds.
func (q *Queue) gather(first *call) []*call {
	batch, size := []*call{first}, first.size
	for len(batch) < maxCalls && size < maxBytes {
		select {
		case c := <-q.calls:
			batch, size = append(batch, c), size+c.size
		default:
			return batch
		}
	}
	return batch
}

// finish commits a batch. One that fails is run again call by call, so that nobody bears
// another's fault.
func (q *Queue) finish(batch []*call) {
	ctx, stop := context.WithTimeoutCause(context.Background(), commitLimit, errCommitTooSlow)
	defer stop()
	err := q.transact(ctx, batch)
	if err != nil && len(batch) > 1 {
		for _, c := range batch {
			c.done <- q.transact(ctx, []*call{c})
		}
		return
	}
	for _, c := range batch {
		c.done <- err
	}
}

func (q *Queue) transact(ctx context.Context, batch []*call) error {
	for try := 1; ; try++ {
		err := q.once(ctx, batch)
		if err == nil || try == maxTries || !q.dialect.Retry(err) {
			return err
		}
	}
}

func (q *Queue) once(ctx context.Context, batch []*call) error {
	tx, err := q.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it is ErrTxDone, else the cause is already known
	for _, c := range batch {
		if err := c.do(ctx, tx); err != nil {
			return err
		}
	}
	return tx.Commit()
}
