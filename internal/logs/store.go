package logs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// ErrClosed is the answer of a closed store or writer.
var ErrClosed = errors.New("log is closed")

// Options set the bounds of a store.
type Options struct {
	SegmentBytes int64         // size at which a segment is finished
	MaxAge       time.Duration // segments last written longer ago are dropped; <= 0: never
	MaxBytes     int64         // of one function; its oldest segments are dropped beyond; <= 0: no bound
	RateBytes    int64         // bytes per second that one function may write in the long run; <= 0: no bound
	Burst        int64         // bytes that it may write at once after a pause
	QueueBytes   int           // bytes of all functions that wait in memory for the disk

	// Clock says the time of records and the age of segments; nil is time.Now.
	Clock func() time.Time
	// Report is told what goes wrong with the files: lines that are lost to the disk,
	// segments that cannot be dropped. It is called from the goroutine that
	// writes and must not block or call the store. Nil reports nothing.
	Report func(error)
}

// Defaults are bounds for a host that runs many functions.
func Defaults() Options {
	return Options{
		SegmentBytes: 4 << 20,
		MaxAge:       14 * 24 * time.Hour,
		MaxBytes:     64 << 20,
		RateBytes:    1 << 20,
		Burst:        4 << 20,
		QueueBytes:   16 << 20,
	}
}

// normalise gives what must be set a value.
func (o *Options) normalise() {
	d := Defaults()
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = d.SegmentBytes
	}
	if o.QueueBytes <= 0 {
		o.QueueBytes = d.QueueBytes
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
}

// Store keeps the logs of functions. It is safe for concurrent use.
type Store struct {
	options Options
	root    *os.Root

	wake     chan struct{} // capacity 1: there is something in the queue
	commands chan command  // to the goroutine that owns the files
	stop     chan struct{} // closed by Close
	stopped  chan struct{} // closed by that goroutine
	stopOnce sync.Once
	closeErr error // of the files; readable once stopped is closed

	queue queue
}

// command is work for the goroutine that owns the files.
type command struct {
	do   func(*flusher) error
	done chan error // capacity 1
}

// Open opens the logs in dir, which is made where it is missing. It reads no segment:
// that waits until a function writes.
func Open(dir string, options Options) (*Store, error) {
	options.normalise()
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, fmt.Errorf("opening the logs: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the logs: %w", err)
	}
	s := &Store{
		options: options, root: root,
		wake: make(chan struct{}, 1), commands: make(chan command),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	s.queue.init(&s.options)
	go s.flushUntilStopped()
	return s, nil
}

// Close writes what is queued, makes it durable and frees the store. Lines that are
// written later are dropped. A second Close waits for the first.
func (s *Store) Close() error {
	s.stopOnce.Do(func() { close(s.stop) })
	<-s.stopped
	return s.closeErr
}

// Sync returns once all that was written before the call is durable. It does not wait for
// lines without their newline. An error also says what went wrong since the last Sync:
// lines that were lost to the disk, segments that could not be dropped.
func (s *Store) Sync(ctx context.Context) error {
	return s.command(ctx, "syncing the logs", (*flusher).sync)
}

// Remove deletes a function's log with all that was written before the call. Writers of
// the function that are still open begin a new one.
func (s *Store) Remove(ctx context.Context, id lambda.FunctionID) error {
	return s.command(ctx, "removing the log of "+id.ARN(), func(f *flusher) error { return f.remove(id) })
}

// Retain drops segments that exceed MaxAge or MaxBytes. The store does so by itself when
// a segment is finished and every ten minutes.
func (s *Store) Retain(ctx context.Context) error {
	return s.command(ctx, "dropping old logs", (*flusher).retainAll)
}

// flush returns once all that was written before the call can be read.
func (s *Store) flush(ctx context.Context) error {
	return s.command(ctx, "flushing the logs", func(*flusher) error { return nil })
}

// command runs do in the goroutine that owns the files, after a flush.
func (s *Store) command(ctx context.Context, doing string, do func(*flusher) error) error {
	c := command{do, make(chan error, 1)}
	select {
	case s.commands <- c:
	case <-s.stopped:
		return fmt.Errorf("%s: %w", doing, ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	select {
	case err := <-c.done:
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
}

// Stats counts since Open.
type Stats struct {
	Lines        int64 // accepted
	DroppedLines int64 // for a function's rate, a full queue or the disk
	DroppedBytes int64
}

// Stats returns the counts.
func (s *Store) Stats() Stats {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.stats
}
