package microvm

import (
	"context"
	"errors"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/microvm/image"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// Descriptors of QEMU's.
const (
	monitorFD = 3 // the driver asks the monitor
	portFD    = 4 // the guest's serial port
)

// qemuMonitor is QEMU for one guest: all that it uses is handed to it.
type qemuMonitor struct {
	run     command
	own     []*os.File // its ends of the sockets
	control *net.UnixConn
	serial  *net.UnixConn
	ram     *os.File
	snap    *snapshot // nil = the guest boots
}

// prepare implements vmm.
func (q qemu) prepare(_ string, h hardware, s *snapshot) (_ monitor, err error) {
	m := &qemuMonitor{ram: h.ram, snap: s}
	var files inheritance
	if m.control, err = m.socket(&files); err != nil {
		return nil, err
	}
	if m.serial, err = m.socket(&files); err != nil {
		m.started()
		return nil, errors.Join(err, m.control.Close())
	}
	args := q.restore
	if s == nil {
		args = q.boot
	}
	m.run = command{program: image.QEMU(q.arch), args: args(h, &files)}
	m.run.files = files.files
	return m, nil
}

// socket makes a connection of which QEMU inherits the other end.
func (m *qemuMonitor) socket(files *inheritance) (*net.UnixConn, error) {
	ours, theirs, err := stream.ConnPair(unix.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	files.add(theirs)
	m.own = append(m.own, theirs)
	return ours, nil
}

func (m *qemuMonitor) command() command { return m.run }

// started implements monitor. Other files than the sockets are shared with others.
func (m *qemuMonitor) started() { closeFiles(m.own...) }

func (m *qemuMonitor) port() io.ReadWriteCloser { return m.serial }

// open implements monitor.
func (m *qemuMonitor) open(ctx context.Context) (machine, error) {
	guest := &qemuMachine{qmp: newQMP(m.control), ram: m.ram, nodes: map[string]string{}}
	if _, err := guest.qmp.do(ctx, "qmp_capabilities", nil); err != nil {
		return nil, err
	}
	if m.snap == nil {
		return guest, nil
	}
	return guest, guest.load(ctx, m.snap)
}

// close implements monitor. Who has the port closes it.
func (m *qemuMonitor) close() error { return m.control.Close() }
