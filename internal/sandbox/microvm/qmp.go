package microvm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
)

// longestLine bounds what QEMU may say at once, in bytes.
const longestLine = 1 << 20

// qmp is a conversation in QEMU's machine protocol (QEMU's docs/interop/qmp-spec): lines of JSON. One
// goroutine reads it until its end.
type qmp struct {
	conn  *net.UnixConn
	ended chan struct{}

	mu      sync.Mutex // protects the fields below
	last    uint64
	waiting map[uint64]chan qmpReply
}

type qmpReply struct {
	ID     uint64          `json:"id"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class, Desc string
	} `json:"error"`
}

func newQMP(conn *net.UnixConn) *qmp {
	q := &qmp{conn: conn, ended: make(chan struct{}), waiting: make(map[uint64]chan qmpReply)}
	go q.read()
	return q
}

func (q *qmp) read() {
	defer close(q.ended)
	lines := bufio.NewScanner(q.conn)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		var r qmpReply
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			return // it is not QEMU that speaks
		}
		q.deliver(r)
	}
}

// deliver leaves greetings and events alone: they have no id.
func (q *qmp) deliver(r qmpReply) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if reply := q.waiting[r.ID]; reply != nil {
		delete(q.waiting, r.ID)
		reply <- r
	}
}

// do executes a command; a file goes beside it.
func (q *qmp) do(ctx context.Context, command string, arguments map[string]any, files ...*os.File) (json.RawMessage, error) {
	reply := make(chan qmpReply, 1)
	id := q.expect(reply)
	defer q.forget(id)
	if err := q.send(id, command, arguments, files); err != nil {
		return nil, fmt.Errorf("%w: asking QEMU: %v", sandbox.ErrClosed, err)
	}
	select {
	case r := <-reply:
		return r.result(command)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-q.ended:
	}
	select {
	case r := <-reply: // its last words
		return r.result(command)
	default:
		return nil, fmt.Errorf("QEMU: %s: %w", command, sandbox.ErrClosed)
	}
}

func (r qmpReply) result(command string) (json.RawMessage, error) {
	if r.Error != nil {
		return nil, fmt.Errorf("QEMU: %s: %s", command, r.Error.Desc)
	}
	return r.Return, nil
}

func (q *qmp) send(id uint64, command string, arguments map[string]any, files []*os.File) error {
	line, err := json.Marshal(map[string]any{"execute": command, "arguments": arguments, "id": id})
	if arguments == nil {
		line, err = json.Marshal(map[string]any{"execute": command, "id": id})
	}
	if err != nil {
		return err
	}
	var rights []byte
	for _, f := range files {
		rights = append(rights, unix.UnixRights(int(f.Fd()))...)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	_, _, err = q.conn.WriteMsgUnix(append(line, '\n'), rights, nil)
	return err
}

// ask executes a command without arguments and decodes the answer.
func (q *qmp) ask(ctx context.Context, answer any, command string) error {
	raw, err := q.do(ctx, command, nil)
	if err != nil {
		return err
	}
	return decode(raw, answer)
}

func decode(raw json.RawMessage, into any) error {
	if len(raw) == 0 {
		return errors.New("QEMU answered nothing")
	}
	return json.Unmarshal(raw, into)
}

func (q *qmp) expect(reply chan qmpReply) uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last++
	q.waiting[q.last] = reply
	return q.last
}

func (q *qmp) forget(id uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.waiting, id)
}

func (q *qmp) close() error {
	err := q.conn.Close()
	<-q.ended
	return err
}
