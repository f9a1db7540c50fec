package handover

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of a message. A line of changes has about 100 bytes for each.
const (
	maxMessage = 16 << 20
	maxFiles   = 16
)

var (
	errTooLong      = fmt.Errorf("a message of more than %d bytes", maxMessage)
	errTooManyFiles = fmt.Errorf("more than %d descriptors", maxFiles)
)

// conn sends and receives messages. One goroutine uses it at a time.
type conn struct {
	*net.UnixConn
	read  []byte     // what was received after the last message
	files []*os.File // that came with it
}

// send writes one message. The descriptors of files arrive with it; they stay the caller's.
func (c *conn) send(limit time.Duration, message any, files ...syscall.Conn) error {
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if err := c.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	return withDescriptors(files, nil, func(fds []int) error { return c.write(append(line, '\n'), fds) })
}

func (c *conn) write(line []byte, fds []int) error {
	if len(fds) == 0 {
		_, err := c.Write(line)
		return err
	}
	n, _, err := c.WriteMsgUnix(line, unix.UnixRights(fds...), nil)
	if err == nil && n < len(line) {
		_, err = c.Write(line[n:])
	}
	return err
}

// withDescriptors calls do with the descriptors of all files. They are valid meanwhile, and
// left in the mode that the runtime gave them, as os.File.Fd would not.
func withDescriptors(files []syscall.Conn, fds []int, do func([]int) error) error {
	if len(files) == 0 {
		return do(fds)
	}
	raw, err := files[0].SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = withDescriptors(files[1:], append(fds, int(fd)), do) })
	return errors.Join(err, failed)
}

// receive reads one message into message and returns the files that came with it.
func (c *conn) receive(limit time.Duration, message any) ([]*os.File, error) {
	if err := c.SetReadDeadline(deadline(limit)); err != nil {
		return nil, err
	}
	line, err := c.line()
	files := c.files
	c.files = nil
	if err == nil {
		err = json.Unmarshal(line, message)
	}
	if err != nil {
		return nil, errors.Join(err, closeAll(files))
	}
	return files, nil
}

// deadline of a wait; 0 is for ever.
func deadline(limit time.Duration) time.Time {
	if limit == 0 {
		return time.Time{}
	}
	return time.Now().Add(limit)
}

func (c *conn) line() ([]byte, error) {
	for {
		if end := bytes.IndexByte(c.read, '\n'); end >= 0 {
			line := c.read[:end]
			c.read = c.read[end+1:]
			return line, nil
		}
		if len(c.read) > maxMessage {
			return nil, errTooLong
		}
		if err := c.more(); err != nil {
			return nil, err
		}
	}
}

func (c *conn) more() error {
	buffer, control := make([]byte, 64<<10), make([]byte, unix.CmsgSpace(4*maxFiles))
	n, m, flags, _, err := c.ReadMsgUnix(buffer, control)
	if err != nil {
		return err
	}
	if n == 0 {
		return io.EOF
	}
	c.read = append(c.read, buffer[:n]...)
	if err := c.adopt(control[:m]); err != nil {
		return err
	}
	if flags&unix.MSG_CTRUNC != 0 || len(c.files) > maxFiles {
		return errTooManyFiles
	}
	return nil
}

// adopt takes the descriptors of a control message (unix(7), SCM_RIGHTS). ReadMsgUnix has
// set close-on-exec on them.
func (c *conn) adopt(control []byte) error {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return err
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue // not descriptors
		}
		for _, fd := range fds {
			c.files = append(c.files, os.NewFile(uintptr(fd), "handed over"))
		}
	}
	return nil
}

func closeAll(files []*os.File) error {
	var failed []error
	for _, f := range files {
		failed = append(failed, f.Close())
	}
	return errors.Join(failed...)
}
