package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

const (
	// coalesce is how long lines gather after a write, so that a chatty function costs a
	// hundred writes a second and not one per line.
	coalesce = 10 * time.Millisecond
	// retainEvery is how often the logs of silent functions are looked at.
	retainEvery = 10 * time.Minute
	// maxOpen bounds the open segments: descriptors are for sandboxes.
	maxOpen = 256
	// newTries bounds the search for a free number of a segment.
	newTries = 100
)

// flusher owns the files. Only the goroutine of flushUntilStopped touches it.
type flusher struct {
	store *Store
	open  map[string]*appender // by folder
	lost  error                // what went wrong since the last Sync
}

func (s *Store) flushUntilStopped() {
	defer close(s.stopped)
	f := &flusher{store: s, open: map[string]*appender{}}
	retention := time.NewTicker(retainEvery)
	defer retention.Stop()
	for {
		select {
		case <-s.wake:
			f.flush()
			f.pause()
		case c := <-s.commands:
			f.serve(c)
		case <-retention.C:
			f.report(f.retainAll())
		case <-s.stop:
			s.closeErr = f.close()
			return
		}
	}
}

// pause lets lines gather; commands do not wait for it.
func (f *flusher) pause() {
	enough := time.NewTimer(coalesce)
	defer enough.Stop()
	for {
		select {
		case c := <-f.store.commands:
			f.serve(c)
		case <-enough.C:
			return
		case <-f.store.stop:
			return
		}
	}
}

func (f *flusher) serve(c command) {
	f.flush()
	c.done <- c.do(f)
}

// close writes and syncs what is left.
func (f *flusher) close() error {
	f.store.queue.close()
	f.flush()
	return errors.Join(f.sync(), f.closeAll(), f.store.root.Close())
}

func (f *flusher) flush() {
	for _, b := range f.store.queue.take() {
		f.store.queue.written(b, f.write(b))
	}
	if len(f.open) > maxOpen {
		f.report(f.closeAll())
	}
}

// write writes a batch and returns what was lost.
func (f *flusher) write(b batch) drops {
	for frames := b.frames; len(frames) > 0; {
		n, err := f.writeSome(b.fn.folder, frames)
		if err != nil {
			f.report(fmt.Errorf("writing the log of %s: %w", b.fn.id.ARN(), err))
			f.report(f.closeOne(b.fn.folder)) // the next try begins with a fresh look
			return lostIn(frames)
		}
		frames = frames[n:]
	}
	return drops{}
}

func lostIn(frames []byte) drops {
	_, records := wholeFrames(frames, int64(len(frames)))
	return drops{int64(records), int64(len(frames) - records*(frameHead+bodyHead))}
}

// writeSome writes as many frames as the segment has room for, at least one.
func (f *flusher) writeSome(folder string, frames []byte) (int, error) {
	a, err := f.appender(folder)
	if err != nil {
		return 0, err
	}
	n, _ := wholeFrames(frames, f.store.options.SegmentBytes-a.size)
	if n == 0 && a.size > int64(len(magic)) {
		return 0, f.finish(folder)
	}
	if n == 0 {
		n = firstFrame(frames)
	}
	return n, a.write(frames[:n])
}

// finish ends a segment; the next write begins another.
func (f *flusher) finish(folder string) error {
	if err := errors.Join(f.open[folder].sync(), f.closeOne(folder)); err != nil {
		return err
	}
	_, err := f.begin(folder)
	f.report(f.retain(folder))
	return err
}

// appender returns the segment that a function writes to.
func (f *flusher) appender(folder string) (*appender, error) {
	if a := f.open[folder]; a != nil {
		return a, nil
	}
	if err := f.store.root.MkdirAll(folder, folderMode); err != nil {
		return nil, err
	}
	numbers, err := segments(f.store.root, folder)
	if err != nil {
		return nil, err
	}
	if len(numbers) == 0 {
		return f.begin(folder)
	}
	a, err := reopen(f.store.root, segmentName(folder, numbers[len(numbers)-1]))
	if errors.Is(err, errTaken) {
		return f.begin(folder)
	}
	if err == nil {
		f.open[folder] = a
	}
	return a, err
}

// begin makes a segment that is newer than all others. Its number is the time, so that
// numbers rise also after a removal, and followers need not begin anew.
func (f *flusher) begin(folder string) (*appender, error) {
	numbers, err := segments(f.store.root, folder)
	if err != nil {
		return nil, err
	}
	number := uint64(f.store.options.Clock().UnixNano())
	if len(numbers) > 0 {
		number = max(number, numbers[len(numbers)-1]+1)
	}
	for range newTries {
		a, err := newSegment(f.store.root, segmentName(folder, number))
		if err == nil {
			f.open[folder] = a
		}
		if !errors.Is(err, fs.ErrExist) {
			return a, err
		}
		number++
	}
	return nil, fmt.Errorf("no free number for a segment in %s", folder)
}

// sync makes all that was written durable and answers for what was lost.
func (f *flusher) sync() error {
	err := f.lost
	f.lost = nil
	for _, a := range f.open {
		err = errors.Join(err, a.sync())
	}
	return err
}

func (f *flusher) remove(id lambda.FunctionID) error {
	folder := folderOf(id)
	f.store.queue.remove(id)
	return errors.Join(f.closeOne(folder), f.store.root.RemoveAll(folder))
}

func (f *flusher) closeOne(folder string) error {
	a := f.open[folder]
	if a == nil {
		return nil
	}
	delete(f.open, folder)
	return a.close()
}

// closeAll closes the segments; what they hold unsynced is synced first, for a later Sync
// would not find them.
func (f *flusher) closeAll() error {
	var err error
	for folder, a := range f.open {
		err = errors.Join(err, a.sync(), f.closeOne(folder))
	}
	return err
}

// report keeps an error for the next Sync, the first of many, and tells the owner.
func (f *flusher) report(err error) {
	if err == nil {
		return
	}
	if f.lost == nil {
		f.lost = err
	}
	f.store.options.Report(err)
}
