package instance

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// functionLog is where a function's output and the platform's lines meet. It is the
// Stdout and Stderr of every command.
type functionLog struct {
	format lineFormat             // immutable once the log is open
	before atomic.Pointer[func()] // called before output is written; nil = nothing is

	mu      sync.Mutex // guards what follows
	out     io.WriteCloser
	tailing bool
	tail    []byte
	open    bool // the last byte was no newline
	started int  // invocations without their report
	closed  bool // the last of them ends the stream
}

// openLog begins the instance's log stream.
func (i *Instance) openLog() {
	i.log.format = formatOf(i.target, i.emulated)
	if i.deps.Logs != nil {
		i.log.out = i.deps.Logs(i.target.ID, i.stream)
	}
}

// Write implements io.Writer for the function's output. It never fails: a log that
// cannot be stored must not stop a function.
func (l *functionLog) Write(p []byte) (int, error) {
	if look := l.before.Load(); look != nil {
		(*look)()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writeLocked(p)
	return len(p), nil
}

// opening has look called before any output is written, until opened: it finds out whether the
// output is still the initialisation's, and writes START if not.
func (l *functionLog) opening(look func()) { l.before.Store(&look) }

func (l *functionLog) opened() { l.before.Store(nil) }

func (l *functionLog) writeLocked(p []byte) {
	if len(p) == 0 {
		return
	}
	l.open = p[len(p)-1] != '\n'
	if l.out != nil {
		_, _ = l.out.Write(p) // the store accounts for what it loses
	}
	if l.tailing {
		l.tail = appendTail(l.tail, p)
	}
}

// appendTail keeps the last bytes only, moving them seldom.
func appendTail(tail, p []byte) []byte {
	if len(p) > lambda.MaxTailLog {
		p = p[len(p)-lambda.MaxTailLog:]
	}
	tail = append(tail, p...)
	if len(tail) > 4*lambda.MaxTailLog {
		tail = append(tail[:0], tail[len(tail)-lambda.MaxTailLog:]...)
	}
	return tail
}

// lineLocked writes lines of the platform at once; "" writes none. They begin at the
// line's start.
func (l *functionLog) lineLocked(lines ...string) {
	text := make([]byte, 0, 384)
	for _, line := range lines {
		if line != "" {
			text = append(append(text, line...), '\n')
		}
	}
	if l.open && len(text) > 0 {
		l.writeLocked([]byte("\n"))
	}
	l.writeLocked(text)
}

func (l *functionLog) initStart(t *lambda.Target, stream string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lineLocked(l.format.initStart(t, stream, time.Now()))
}

func (l *functionLog) restoreStart(t *lambda.Target, stream string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lineLocked(l.format.restoreStart(t, stream, time.Now()))
}

func (l *functionLog) restoreReport(r restoreReport) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lineLocked(l.format.restoreRuntimeDone(r), l.format.restoreReport(r))
}

func (l *functionLog) initReport(r initReport) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lineLocked(l.format.initReport(r))
}

// start begins the part of the log that belongs to an invocation. Where several run at
// once there is no such part, and no tail (on AWS neither).
func (l *functionLog) start(t *lambda.Target, inv *lambda.Invocation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tailing, l.tail = inv.TailLog && !t.Shared(), nil
	l.lineLocked(l.format.start(t, inv, time.Now()))
	l.started++
}

// report ends that part and returns its tail, nil if none was asked for.
func (l *functionLog) report(r report) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lineLocked(l.format.end(r), l.format.report(r))
	tail := l.tail[max(0, len(l.tail)-lambda.MaxTailLog):]
	l.tailing, l.tail = false, nil
	_ = l.doneLocked() // the store accounts for what it loses
	return tail
}

// abandon ends that part without a report: the function did not get the invocation.
func (l *functionLog) abandon() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.doneLocked() // as above
}

// doneLocked counts an invocation down, and ends the stream after the last of a closed log.
func (l *functionLog) doneLocked() error {
	l.started--
	if !l.closed || l.started > 0 {
		return nil
	}
	return l.endLocked()
}

// Close ends the stream, once the invocations that began are reported: the box may die under
// them. What is written later is dropped.
func (l *functionLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.started > 0 {
		return nil
	}
	return l.endLocked()
}

func (l *functionLog) endLocked() error {
	if l.out == nil {
		return nil
	}
	out := l.out
	l.out = nil
	return out.Close()
}
