package logs

import (
	"encoding/json"
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// queue holds what waits for the disk.
type queue struct {
	options *Options

	mu        sync.Mutex
	functions map[lambda.FunctionID]*function // guarded by mu, as are all fields of a function
	waiting   []*function                     // have something to write; guarded by mu
	bytes     int                             // in all pending frames and in those being written; guarded by mu
	stats     Stats                           // guarded by mu
	closed    bool                            // guarded by mu
}

// function is what all writers of one function share.
type function struct {
	id      lambda.FunctionID
	folder  string
	users   int  // writers and followers
	removed bool // forget it with its last user
	waiting bool // is in queue.waiting
	pending []byte
	bucket  bucket
	dropped map[reason]drops
	changed chan struct{} // closed when records can be read; nil while nobody waits
}

// reason says why lines were dropped, in words for the function's owner.
type reason string

const (
	overRate  reason = "the function exceeds the rate of its log"
	queueFull reason = "the queue of logs is full"
	diskError reason = "the log could not be written"
)

type drops struct{ lines, bytes int64 }

func (q *queue) init(options *Options) {
	q.options, q.functions = options, map[lambda.FunctionID]*function{}
}

// acquire returns what the users of a function share; release gives it back.
func (q *queue) acquire(id lambda.FunctionID) *function {
	q.mu.Lock()
	defer q.mu.Unlock()
	fn := q.functions[id]
	if fn == nil {
		fn = &function{id: id, folder: folderOf(id), dropped: map[reason]drops{}, bucket: newBucket(q.options)}
		q.functions[id] = fn
	}
	fn.users++
	fn.removed = false
	return fn
}

func (q *queue) release(fn *function) {
	q.mu.Lock()
	defer q.mu.Unlock()
	fn.users--
	q.forget(fn)
}

// remove forgets a function, now or with its last user.
func (q *queue) remove(id lambda.FunctionID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if fn := q.functions[id]; fn != nil {
		fn.removed = true
		q.forget(fn)
	}
}

// forget deletes a removed function without users. Preconditions: mu is held.
func (q *queue) forget(fn *function) {
	if fn.removed && fn.users == 0 {
		delete(q.functions, fn.id)
	}
}

// add queues lines of one stream, or drops them, and never waits for the disk. It says
// whether the store is still open.
func (q *queue) add(fn *function, stream string, lines [][]byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.options.Clock()
	for _, line := range lines {
		q.addLine(fn, Record{Time: now, Kind: Line, Stream: stream, Line: line})
	}
	return !q.closed
}

// addLine queues or drops one line. Preconditions: mu is held.
func (q *queue) addLine(fn *function, r Record) {
	size := frameHead + bodyHead + len(r.Stream) + len(r.Line)
	switch {
	case q.closed:
		q.drop(fn, queueFull, 1, int64(len(r.Line)))
		return // nobody writes any more
	case q.bytes+size > q.options.QueueBytes:
		q.drop(fn, queueFull, 1, int64(len(r.Line)))
	case !fn.bucket.take(int64(len(r.Line)+1), r.Time):
		q.drop(fn, overRate, 1, int64(len(r.Line)))
	default:
		fn.pending = appendFrame(fn.pending, r)
		q.bytes += size
		q.stats.Lines++
	}
	q.wait(fn)
}

// drop counts lines that are lost. Preconditions: mu is held.
func (q *queue) drop(fn *function, why reason, lines, bytes int64) {
	d := fn.dropped[why]
	fn.dropped[why] = drops{d.lines + lines, d.bytes + bytes}
	q.stats.DroppedLines += lines
	q.stats.DroppedBytes += bytes
}

// wait puts a function into the queue. Preconditions: mu is held.
func (q *queue) wait(fn *function) {
	if !fn.waiting {
		fn.waiting = true
		q.waiting = append(q.waiting, fn)
	}
}

// batch is what one function has to write.
type batch struct {
	fn     *function
	frames []byte
	queued int // bytes of frames that count in the queue
}

// take empties the queue. What was dropped comes after what was not.
func (q *queue) take() []batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	var batches []batch
	for _, fn := range q.waiting {
		b := batch{fn: fn, frames: fn.pending, queued: len(fn.pending)}
		for why, d := range fn.dropped {
			b.frames = appendFrame(b.frames, dropRecord(q.options.Clock(), why, d))
		}
		clear(fn.dropped)
		fn.pending, fn.waiting = nil, false
		batches = append(batches, b)
	}
	clear(q.waiting)
	q.waiting = q.waiting[:0]
	return batches
}

// written frees a batch's room in the queue and wakes the function's followers.
// Lines that were lost on the way are reported with the next ones that are not.
func (q *queue) written(b batch, lost drops) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= b.queued
	if lost.lines > 0 {
		q.drop(b.fn, diskError, lost.lines, lost.bytes)
	}
	if b.fn.changed != nil {
		close(b.fn.changed)
		b.fn.changed = nil
	}
}

// change returns a channel that is closed when the function's log has grown.
func (q *queue) change(fn *function) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if fn.changed == nil {
		fn.changed = make(chan struct{})
	}
	return fn.changed
}

// close refuses all further lines.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// dropRecord has the shape of the Telemetry API's event (AWS: "Lambda Telemetry API Event
// schema reference", platform.logsDropped).
func dropRecord(now time.Time, why reason, d drops) Record {
	type record struct {
		Reason         reason `json:"reason"`
		DroppedRecords int64  `json:"droppedRecords"`
		DroppedBytes   int64  `json:"droppedBytes"`
	}
	line, err := json.Marshal(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record record `json:"record"`
	}{now.UTC().Format("2006-01-02T15:04:05.000Z"), "platform.logsDropped", record{why, d.lines, d.bytes}})
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return Record{Time: now, Kind: Dropped, Line: line}
}
