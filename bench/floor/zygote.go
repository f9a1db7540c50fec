package floor

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Zygote is a Python process that holds modules and forks for every request. Its methods
// belong to one goroutine.
type Zygote struct {
	cmd     *exec.Cmd
	channel net.Conn // keeps the limits of messages
	buf     []byte
}

// StartZygote starts one that holds modules and imports what it is asked for from folder,
// where WriteScripts has been.
func StartZygote(python, folder string, modules []string) (*Zygote, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	z := &Zygote{channel: ours, buf: make([]byte, 1<<16)}
	z.cmd = exec.Command(python, append([]string{filepath.Join(folder, "zygote.py"), folder}, modules...)...)
	z.cmd.ExtraFiles, z.cmd.Stderr = []*os.File{theirs}, os.Stderr
	if err := z.cmd.Start(); err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	if _, err := z.receive(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a zygote: %w", err), z.Close())
	}
	return z, nil
}

func pair() (net.Conn, *os.File, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a pair of sockets: %w", err)
	}
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "zygote"), os.NewFile(uintptr(fds[1]), "zygote")
	c, err := net.FileConn(ours)
	if err = errors.Join(err, ours.Close()); err != nil { // FileConn has its own
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return c, theirs, nil
}

// Close ends the zygote.
func (z *Zygote) Close() error {
	err := z.channel.Close()
	_ = z.cmd.Process.Kill() // it may have ended by the closed socket
	_ = z.cmd.Wait()         // killed: that is no news
	return err
}

// Fork times n requests that are sent together until the last has been answered.
func (z *Zygote) Fork(n int, module, event string) (Timing, error) {
	request, err := json.Marshal(map[string]any{"module": module, "event": json.RawMessage(event)})
	if err != nil {
		return Timing{}, err
	}
	sent := time.Now()
	failed := make(chan error, 1)
	go func() { failed <- z.send(n, request) }()
	for range n {
		if _, err := z.receive(); err != nil {
			return Timing{}, errors.Join(err, <-failed)
		}
	}
	return since(sent), <-failed
}

func (z *Zygote) send(n int, request []byte) error {
	for range n {
		if _, err := z.channel.Write(request); err != nil {
			return fmt.Errorf("asking the zygote: %w", err)
		}
	}
	return nil
}

// answerLimit bounds the wait for one answer.
const answerLimit = 30 * time.Second

func (z *Zygote) receive() ([]byte, error) {
	if err := z.channel.SetReadDeadline(time.Now().Add(answerLimit)); err != nil {
		return nil, err
	}
	n, err := z.channel.Read(z.buf)
	if err != nil {
		return nil, fmt.Errorf("waiting for the zygote: %w", err)
	}
	return z.buf[:n], nil
}
