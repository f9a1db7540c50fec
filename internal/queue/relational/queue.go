package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"lambent.dev/lambent/internal/queue"
	"lambent.dev/lambent/internal/store/relational"
)

// Dialect is the store's, and what only a queue needs.
type Dialect struct {
	relational.Dialect
	// SkipLocked is appended to a SELECT that must pass over rows which other writers hold.
	SkipLocked string
}

// Queue implements queue.Queue.
type Queue struct {
	write, read *sql.DB // may be the same
	dialect     Dialect
	epoch       int64
	count       atomic.Int64 // of items put in this life

	calls    chan *call
	stop     chan struct{} // closed by Close
	stopped  chan struct{} // closed by the writer
	closing  sync.Once
	closeErr error // readable once stopped is closed

	// after is the function that was served last, by group. The writer's own.
	after map[string]string
}

var _ queue.Queue = (*Queue)(nil)

// Open migrates the database to the newest schema and returns the queue for an epoch that
// no other queue was opened for. It owns both pools from here on, also when it fails.
func Open(ctx context.Context, write, read *sql.DB, d Dialect, epoch int64) (*Queue, error) {
	q := &Queue{
		write: write, read: read, dialect: d, epoch: epoch, after: map[string]string{},
		calls: make(chan *call), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if err := q.prepare(ctx); err != nil {
		return nil, errors.Join(d.About("opening the queue", err), q.closePools())
	}
	go q.writeUntilStopped()
	return q, nil
}

func (q *Queue) prepare(ctx context.Context) error {
	if q.epoch < 1 || q.epoch > queue.MaxEpoch {
		return fmt.Errorf("epoch %d is not from 1 to %d", q.epoch, queue.MaxEpoch)
	}
	return q.dialect.Migrate(ctx, q.write)
}

// Close implements queue.Queue.
func (q *Queue) Close() error {
	q.closing.Do(func() { close(q.stop) })
	<-q.stopped
	return q.closeErr
}

func (q *Queue) closePools() error {
	err := q.write.Close()
	if q.read != q.write {
		err = errors.Join(q.read.Close(), err)
	}
	return err
}

// countBits are the low bits of an ID, the count within an epoch: 2^40 items in one life.
const countBits = 40

func (q *Queue) nextID() int64 { return q.epoch<<countBits | q.count.Add(1) }

// micros is how times are stored: both databases sort them, and no time zone matters.
func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
