package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startLimit = time.Minute
	stopLimit  = 20 * time.Second
	// superuser is the server's first user, and the only one.
	superuser = "lambent"
)

// Server is a running server. It stops when the test that started it ends.
type Server struct {
	dir       string // holds the data and the socket
	databases atomic.Int64

	done chan struct{} // closed when the server is gone
	log  bytes.Buffer  // readable once done is closed
}

// Start starts a server. Its text sorts in a person's order (ICU, en-US), so that a
// query that relies on byte order by chance is found out.
func Start(t testing.TB) *Server {
	t.Helper()
	bin := binaries(t)
	// Not t.TempDir: its path may exceed a socket's 107 bytes (unix(7)), and the
	// server's user must reach it.
	dir, err := os.MkdirTemp("", "lambent-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{dir: dir, done: make(chan struct{})}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	who := owner(t, dir)
	initialise(t, bin, s.data(), who)
	s.run(t, bin, who)
	s.await(t)
	return s
}

// Database makes an empty database and returns its address.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.databases.Add(1))
	ctx, stop := contextWithin(t, startLimit)
	defer stop()
	if err := s.exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return s.address(name)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) address(database string) string {
	return fmt.Sprintf("host=%s user=%s dbname=%s sslmode=disable", s.dir, superuser, database)
}

func (s *Server) exec(ctx context.Context, statement string) error {
	c, err := pgx.Connect(ctx, s.address("postgres"))
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, statement)
	return errors.Join(err, c.Close(ctx))
}

// owner gives dir to the user that runs the server, which refuses to be root
// (PostgreSQL manual, "The PostgreSQL User Account"). Nil means the present user.
func owner(t testing.TB, dir string) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr, os.Chown(dir, int(uid), int(gid))); err != nil {
			t.Fatal(err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	lacking(t, "it does not run as root, and there is neither a user postgres nor nobody")
	return nil
}

func initialise(t testing.TB, bin, data string, who *syscall.Credential) {
	t.Helper()
	ctx, stop := contextWithin(t, startLimit)
	defer stop()
	c := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--pgdata", data, "--username", superuser,
		"--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C", "--locale-provider", "icu", "--icu-locale", "en-US")
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
}

// run starts the server. The goroutine that starts it keeps its thread until the
// server is gone: Pdeathsig follows the thread (prctl(2)), and it is what ends the
// server when the test binary is killed.
func (s *Server) run(t testing.TB, bin string, who *syscall.Credential) {
	t.Helper()
	c := exec.Command(filepath.Join(bin, "postgres"), "-D", s.data(), "-k", s.dir,
		"-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=100", "-c", "shared_buffers=16MB")
	c.Dir, c.Stderr = "/", &s.log
	c.SysProcAttr = &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGQUIT}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(s.done)
		err := c.Start()
		started <- err
		if err == nil {
			_ = c.Wait() // how it ended is in its log
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("starting postgres: %v", err)
	}
	t.Cleanup(func() { s.stop(t, c.Process) })
}

// stop asks for a fast shutdown (SIGINT), then for an immediate one (SIGQUIT), which the
// server's own children hear of; SIGKILL would leave them.
func (s *Server) stop(t testing.TB, p *os.Process) {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		_ = p.Signal(sig) // it may be gone already
		select {
		case <-s.done:
			return
		case <-time.After(stopLimit):
		}
	}
	t.Errorf("postgres (pid %d) did not stop in %v", p.Pid, 2*stopLimit)
}

func (s *Server) await(t testing.TB) {
	t.Helper()
	ctx, stop := contextWithin(t, startLimit)
	defer stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.exec(ctx, "SELECT 1") != nil {
		select {
		case <-s.done:
			t.Fatalf("postgres ended:\n%s", &s.log)
		case <-ctx.Done():
			t.Fatal(context.Cause(ctx))
		case <-tick.C:
		}
	}
}

func contextWithin(t testing.TB, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(t.Context(), limit, fmt.Errorf("PostgreSQL took more than %v", limit))
}
