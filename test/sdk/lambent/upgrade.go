package lambent

import (
	"errors"
	"strings"
	"syscall"
)

// Begin runs `lambent up` over a running server, with its data and addresses, and does not
// wait for it.
func Begin(binaries string, over *Daemon, log string, env ...string) (*Daemon, error) {
	d := &Daemon{Data: over.Data, Listen: over.Listen, Admin: over.Admin, log: log, ended: make(chan struct{})}
	return d, d.start(binaries, env)
}

// Upgrade does as Begin, and waits until the new server has taken over. On an error it is
// not left running.
func Upgrade(binaries string, over *Daemon, log string, env ...string) (*Daemon, error) {
	d, err := Begin(binaries, over, log, env...)
	if err != nil {
		return nil, err
	}
	if err := d.await(d.TookOver); err != nil {
		return nil, errors.Join(err, d.Signal(syscall.SIGKILL))
	}
	return d, nil
}

// TookOver reports whether the server has said that it answers now: the one before it
// answers on the same addresses.
func (d *Daemon) TookOver() bool { return strings.Contains(d.Output(), "msg=ready ") }
