package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

const (
	// MaxRecords is the most records of one Read, as in CloudWatch's GetLogEvents.
	MaxRecords = 10_000
	// maxRead is about how many bytes of lines one Read returns at most.
	maxRead = 4 << 20
	// followPoll bounds how late Follow sees what another process wrote.
	followPoll = time.Second
)

// Query says which records of a function are wanted.
type Query struct {
	From, To time.Time // From <= Record.Time < To; the zero time is no bound
	After    Position  // continue here; the zero Position is the beginning
	Limit    int       // of records; <= 0 or more than MaxRecords: MaxRecords
}

func (q *Query) wants(r Record) bool {
	return (q.From.IsZero() || !r.Time.Before(q.From)) && (q.To.IsZero() || r.Time.Before(q.To))
}

// Read returns records in the order in which they were written, and where to continue.
// It sees all that was written before the call. It returns fewer than Limit records if
// they are large, and none only where there are no more for now. A function without a
// log has no records.
func (s *Store) Read(ctx context.Context, id lambda.FunctionID, q Query) ([]Record, Position, error) {
	if err := s.flush(ctx); err != nil {
		return nil, q.After, err
	}
	if q.Limit <= 0 || q.Limit > MaxRecords {
		q.Limit = MaxRecords
	}
	p := page{ctx: ctx, query: q, next: q.After}
	if err := s.read(&p, folderOf(id)); err != nil {
		return nil, q.After, fmt.Errorf("reading the log of %s: %w", id.ARN(), err)
	}
	return p.records, p.next, nil
}

// page is what one Read collects.
type page struct {
	ctx     context.Context
	query   Query
	records []Record
	bytes   int
	next    Position
}

func (p *page) full() bool { return len(p.records) >= p.query.Limit || p.bytes >= maxRead }

func (s *Store) read(p *page, folder string) error {
	numbers, err := segments(s.root, folder)
	for _, number := range numbers {
		if number < p.next.Segment {
			continue
		}
		if p.full() || err != nil {
			break
		}
		err = s.readSegment(p, folder, number)
	}
	return err
}

func (s *Store) readSegment(p *page, folder string, number uint64) error {
	f, err := s.root.Open(segmentName(folder, number))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // retention was faster
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	if number != p.next.Segment {
		p.next = Position{Segment: number}
	}
	sc, err := resume(f, p.next.Offset)
	for err == nil && !p.full() {
		err = p.take(sc)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, errTorn) || errors.Is(err, errDamaged) {
		return nil
	}
	return err
}

// take reads one record and keeps it if it is wanted.
func (p *page) take(sc *scanner) error {
	if p.ctx.Err() != nil {
		return context.Cause(p.ctx)
	}
	r, err := sc.next()
	if err != nil {
		return err
	}
	p.next.Offset = sc.offset
	if p.query.wants(r) {
		r.Line, r.Next = bytes.Clone(r.Line), p.next
		p.records = append(p.records, r)
		p.bytes += len(r.Line)
	}
	return nil
}

// Follow yields the records that Read would return, and then new ones as they are written,
// until the loop is left, ctx ends or the store is closed: then the last pair has the
// error (the context's cause, ErrClosed) and no record.
func (s *Store) Follow(ctx context.Context, id lambda.FunctionID, q Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		fn := s.queue.acquire(id)
		defer s.queue.release(fn)
		for {
			change := s.queue.change(fn) // before the read: what comes after it is not missed
			records, next, err := s.Read(ctx, id, q)
			q.After = next
			if err == nil && len(records) == 0 {
				err = s.await(ctx, change, followPoll)
			}
			if !yieldAll(yield, records, err) {
				return
			}
		}
	}
}

// yieldAll says whether to go on.
func yieldAll(yield func(Record, error) bool, records []Record, err error) bool {
	for _, r := range records {
		if !yield(r, nil) {
			return false
		}
	}
	if err != nil {
		yield(Record{}, err)
	}
	return err == nil
}

// await waits for a change, the store's end or the context's, at most for a while: another
// process may write to the same log.
func (s *Store) await(ctx context.Context, change <-chan struct{}, atMost time.Duration) error {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-change:
	case <-timer.C:
	case <-s.stopped:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
