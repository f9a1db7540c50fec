package floor

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"time"
)

// Server is a process that answers HTTP on Addr.
type Server struct {
	Addr  string
	cmd   *exec.Cmd
	said  *bytes.Buffer // its standard error, to be read when it has ended
	ended chan struct{}
	stop  func() error // more than killing the process; nil = nothing
}

// startLimit bounds a server's start.
const startLimit = 20 * time.Second

// StartServer runs a command in which the word ADDR stands for a free address of loopback, and
// waits until somebody listens there.
func StartServer(ctx context.Context, args ...string) (*Server, error) {
	addr, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "ADDR", addr)
	}
	s := &Server{Addr: addr, cmd: exec.Command(args[0], args[1:]...), said: &bytes.Buffer{}, ended: make(chan struct{})}
	s.cmd.Stderr = s.said
	return s, s.start(ctx)
}

// start runs the command. On an error nothing is left running.
func (s *Server) start(ctx context.Context) error {
	if err := s.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = s.cmd.Wait() // how it ended does not matter: it was killed, or said why
		close(s.ended)
	}()
	if err := s.await(ctx); err != nil {
		_ = s.Close() // the first error says more
		return fmt.Errorf("starting %s: %w: %s", s.cmd.Args[0], err, bytes.TrimSpace(s.said.Bytes()))
	}
	return nil
}

func freeAddress(ctx context.Context) (string, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (s *Server) await(ctx context.Context) error {
	for end := time.Now().Add(startLimit); time.Now().Before(end); {
		c, err := net.Dial("tcp", s.Addr)
		if err == nil {
			return c.Close()
		}
		select {
		case <-s.ended:
			return fmt.Errorf("it ended by itself")
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("nobody listens after %v", startLimit)
}

// Close ends the server.
func (s *Server) Close() error {
	var err error
	if s.stop != nil {
		err = s.stop()
	}
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.ended
	return err
}
