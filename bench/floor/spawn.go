package floor

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// Command is a program with its arguments and its whole environment.
type Command struct {
	Args []string // the first is the program's path
	Env  []string
}

// Timing is when something was asked for and how long it took.
type Timing struct {
	Sent time.Time
	Took time.Duration
}

// since ends a timing that began at sent.
func since(sent time.Time) Timing { return Timing{sent, time.Since(sent)} }

// spawn starts a command with /dev/null, out and /dev/null as its streams. It is vfork and
// exec, as posix_spawn is, without os/exec's goroutines.
func (c Command) spawn(out uintptr) (pid int, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	if out == 0 {
		out = null.Fd()
	}
	pid, err = syscall.ForkExec(c.Args[0], c.Args, &syscall.ProcAttr{Env: c.Env, Files: []uintptr{null.Fd(), out, null.Fd()}})
	if err != nil {
		return 0, fmt.Errorf("spawning %s: %w", c.Args[0], err)
	}
	return pid, nil
}

// reap waits for a process and says whether it ended well.
func (c Command) reap(pid int) error {
	var status syscall.WaitStatus
	_, err := syscall.Wait4(pid, &status, 0, nil)
	for err == syscall.EINTR {
		_, err = syscall.Wait4(pid, &status, 0, nil)
	}
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", c.Args[0], err)
	}
	if status.ExitStatus() != 0 && !status.Signaled() {
		return fmt.Errorf("%s ended with exit code %d", c.Args[0], status.ExitStatus())
	}
	return nil
}

// UntilExit times a command from its spawn until it has been reaped.
func (c Command) UntilExit() (Timing, error) {
	sent := time.Now()
	pid, err := c.spawn(0)
	if err != nil {
		return Timing{}, err
	}
	err = c.reap(pid)
	return since(sent), err
}

// UntilOutput times a command from its spawn until the first byte of its standard output has
// arrived. What it does afterwards is waited for and not counted.
func (c Command) UntilOutput() (Timing, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return Timing{}, err
	}
	defer r.Close()
	sent := time.Now()
	pid, err := c.spawn(w.Fd())
	if err := w.Close(); err != nil {
		return Timing{}, err
	}
	if err != nil {
		return Timing{}, err
	}
	_, readErr := r.Read(make([]byte, 1))
	t := since(sent)
	if err := c.reap(pid); err != nil {
		return Timing{}, err
	}
	if readErr != nil {
		return Timing{}, fmt.Errorf("%s printed nothing: %w", c.Args[0], readErr)
	}
	return t, nil
}

// RuntimeAPI is a bare listener that functions of Go ask for work.
type RuntimeAPI struct{ l net.Listener }

// NewRuntimeAPI listens on loopback.
func NewRuntimeAPI() (*RuntimeAPI, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &RuntimeAPI{l}, nil
}

// Close ends it.
func (a *RuntimeAPI) Close() error { return a.l.Close() }

// UntilFirstCall times a function's program from its spawn until the line of its first
// request for work has arrived; then the program is killed, before it can see that nobody answers.
func (a *RuntimeAPI) UntilFirstCall(program string) (Timing, error) {
	c := Command{Args: []string{program}, Env: append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+a.l.Addr().String())}
	sent := time.Now()
	pid, err := c.spawn(0)
	if err != nil {
		return Timing{}, err
	}
	conn, callErr := a.firstCall()
	t := since(sent)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return Timing{}, fmt.Errorf("killing %s: %w", program, err)
	}
	if err := c.reap(pid); err != nil {
		return Timing{}, errors.Join(callErr, err)
	}
	if callErr != nil {
		return Timing{}, callErr
	}
	return t, conn.Close()
}

// callLimit bounds the wait for a function that never asks.
const callLimit = 10 * time.Second

// firstCall waits for a connection and its first line.
func (a *RuntimeAPI) firstCall() (net.Conn, error) {
	if l, ok := a.l.(*net.TCPListener); ok {
		if err := l.SetDeadline(time.Now().Add(callLimit)); err != nil {
			return nil, err
		}
	}
	c, err := a.l.Accept()
	if err != nil {
		return nil, fmt.Errorf("waiting for the first call: %w", err)
	}
	if err := c.SetDeadline(time.Now().Add(callLimit)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the first call: %w", err), c.Close())
	}
	return c, nil
}
