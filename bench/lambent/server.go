package lambent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// Server is a running `lambent up`.
type Server struct {
	Addr string // of the API
	api  *lambda.Client

	admin string
	log   string // path of its output
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has been waited for
}

// Bounds of what a server may take.
const (
	startLimit = time.Minute
	stopLimit  = time.Minute
)

// Start runs program on a data folder below dir, with settings as LAMBENT_… variables, and
// waits until it is ready. On an error nothing is left running.
func Start(ctx context.Context, program, dir string, settings ...string) (*Server, error) {
	s := &Server{log: filepath.Join(dir, "server.log"), ended: make(chan struct{})}
	var err error
	if s.Addr, s.admin, err = freeAddresses(ctx); err != nil {
		return nil, err
	}
	s.api = s.newAPI()
	s.cmd = exec.Command(program, "up", "--data", filepath.Join(dir, "data"), "--listen", s.Addr, "--admin", s.admin)
	s.cmd.Env = append(os.Environ(), settings...)
	if err := s.start(); err != nil {
		return nil, err
	}
	if err := s.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, s.signal(syscall.SIGKILL))
	}
	return s, nil
}

func freeAddresses(ctx context.Context) (first, second string, err error) {
	var listen net.ListenConfig
	a, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer a.Close()
	b, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer b.Close()
	return a.Addr().String(), b.Addr().String(), nil
}

func (s *Server) start() error {
	out, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer out.Close() // the child has its own
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("starting lambent: %w", err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is in ProcessState
		close(s.ended)
	}()
	return nil
}

func (s *Server) awaitReady(ctx context.Context) error {
	for end := time.Now().Add(startLimit); time.Now().Before(end); {
		if s.ready() {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("lambent ended by itself:\n%s", s.Output())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("lambent is not ready after %v:\n%s", startLimit, s.Output())
}

func (s *Server) ready() bool {
	answer, err := http.Get("http://" + s.admin + "/readyz")
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// Output is what the server has printed, for errors.
func (s *Server) Output() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4096):])
}

// PID is the number of the server's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Close ends the server as an operator does, and by force where that takes too long.
func (s *Server) Close() error {
	err := s.signal(syscall.SIGTERM)
	if err != nil {
		return errors.Join(err, s.signal(syscall.SIGKILL))
	}
	if state := s.cmd.ProcessState; !state.Success() {
		return fmt.Errorf("lambent ended with %v:\n%s", state, s.Output())
	}
	return nil
}

func (s *Server) signal(sig syscall.Signal) error {
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signalling lambent: %w", err)
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopLimit):
		return fmt.Errorf("lambent did not end within %v of %v:\n%s", stopLimit, sig, s.Output())
	}
}

func (s *Server) newAPI() *lambda.Client {
	return lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + s.Addr), Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "bench", SecretAccessKey: "bench"}, nil
		}),
	})
}
