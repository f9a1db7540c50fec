package main

import (
	"bytes"
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

// server is a Lambent of the demo's own, in a folder that goes away with it.
type server struct {
	process *exec.Cmd
	dir     string
	log     bytes.Buffer
	admin   string
	client  *lambda.Client
}

func startServer(ctx context.Context, program string) (*server, error) {
	dir, err := os.MkdirTemp("", "lambent-demo-")
	if err != nil {
		return nil, err
	}
	listen, admin, err := freeAddresses()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &server{dir: dir, admin: admin}
	s.process = exec.Command(program, "up", "--data", filepath.Join(dir, "data"), "--listen", listen, "--admin", admin)
	s.process.Stderr = &s.log
	s.client = newClient("http://" + listen)
	if err := s.process.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", program, err), os.RemoveAll(dir))
	}
	if err := s.waitReady(ctx); err != nil {
		return nil, s.stop(err)
	}
	return s, nil
}

// freeAddresses asks the kernel for two ports and gives them back at once.
func freeAddresses() (string, string, error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer a.Close()
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer b.Close()
	return a.Addr().String(), b.Addr().String(), nil
}

// newClient is the AWS SDK as anybody uses it, pointed at Lambent.
func newClient(endpoint string) *lambda.Client {
	return lambda.New(lambda.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "demo", SecretAccessKey: "demo"}, nil
		}),
	})
}

var errNotReady = errors.New("the server was not ready after 20 s")

func (s *server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errNotReady)
	defer cancel()
	for {
		if s.ready(ctx) {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *server) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.admin+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// stop ends the server and removes its folder. Where something failed, the server's
// own log is the explanation.
func (s *server) stop(failed error) error {
	err := errors.Join(s.process.Process.Signal(syscall.SIGTERM), s.process.Wait(), os.RemoveAll(s.dir))
	if failed != nil {
		return fmt.Errorf("%w\n%s", errors.Join(failed, err), s.log.String())
	}
	return err
}
