package handover

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/lambda"
)

var (
	one  = lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "one"}
	two  = lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "two"}
	here = Terms{Listen: "127.0.0.1:1", Admin: "127.0.0.1:2", Store: "hash"}
)

// pair returns two ends of a connection.
func pair(t testing.TB) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "pair")
		c, err := net.FileConn(f)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		ends[i] = c.(*net.UnixConn)
		t.Cleanup(func() { _ = c.Close() })
	}
	return ends[0], ends[1]
}

// give is a predecessor that changed one before and two after.
func give(c *net.UnixConn, l *net.TCPListener) error {
	p, r, err := Receive(c)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(Request{Protocol, os.Getpid(), here}, r); diff != "" {
		return errors.Join(errors.New(diff), p.Refuse(diff))
	}
	if err := p.Give(Grant{Lives: []Life{{3, "1-2"}}, LinkKey: []byte("key")}, l); err != nil {
		return err
	}
	if err := p.Tell([]lambda.FunctionID{one}); err != nil {
		return err
	}
	if err := p.Commit(); err != nil {
		return err
	}
	return p.Tell([]lambda.FunctionID{two})
}

// A listener goes over, and what connects to it reaches the successor.
func TestHandover(t *testing.T) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	a, b := pair(t)
	given := make(chan error, 1)
	go func() { given <- errors.Join(give(a, l), l.Close(), a.Close()) }()

	s, g, files, err := Ask(b, here)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Grant{Lives: []Life{{3, "1-2"}}, LinkKey: []byte("key")}, g); diff != "" || len(files) != 1 {
		t.Fatalf("%d files, %s", len(files), diff)
	}
	changed, err := s.Ready()
	if err != nil || !cmp.Equal(changed, []lambda.FunctionID{one}) {
		t.Errorf("Ready = %v, %v", changed, err)
	}
	if err := s.Take(); err != nil {
		t.Error(err)
	}
	var later []lambda.FunctionID
	if err := s.Follow(func(changed []lambda.FunctionID) error { later = append(later, changed...); return nil }); err != nil || !cmp.Equal(later, []lambda.FunctionID{two}) {
		t.Errorf("followed %v, %v", later, err)
	}
	if err := <-given; err != nil {
		t.Error(err)
	}
	taken, err := net.FileListener(files[0])
	if err = errors.Join(err, files[0].Close()); err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	reached, err := taken.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = reached.Close()
}

// Whoever leaves at whatever step, the other one hears of it, and the predecessor has
// committed only if the successor had done all.
func TestEitherSideLeaves(t *testing.T) {
	for _, script := range []string{``, `{"protocol":1}`, `{"protocol":1}{"ready":true}`, `{"protocol":1}{"done":true}`, `{"protocol":1}{"ready":true}{"ready":true}`} {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		a, b := pair(t)
		if _, err := io.WriteString(b, strings.ReplaceAll(script, "}", "}\n")); err != nil {
			t.Fatal(err)
		}
		if err := b.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := untilCommit(a, l); err == nil {
			t.Errorf("%s: the predecessor committed", script)
		}
	}
	for _, script := range []string{``, `{}`, `{}{"changed":[]}`, `{}{"yours":true}`, `{}{"changed":[]}{"changed":[]}`} {
		a, b := pair(t)
		if _, err := io.WriteString(a, strings.ReplaceAll(script, "}", "}\n")); err != nil {
			t.Fatal(err)
		}
		if err := a.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if err := untilTaken(b); err == nil {
			t.Errorf("%s: the successor took over", script)
		}
	}
}

func untilCommit(c *net.UnixConn, l *net.TCPListener) (*Predecessor, error) {
	p, _, err := Receive(c)
	if err != nil {
		return nil, err
	}
	if err := p.Give(Grant{}, l); err != nil {
		return nil, err
	}
	if err := p.Tell(nil); err != nil {
		return nil, err
	}
	return p, p.Commit()
}

func untilTaken(c *net.UnixConn) error {
	s, _, files, err := Ask(c, here)
	if err != nil {
		return err
	}
	defer closeAll(files)
	if _, err := s.Ready(); err != nil {
		return err
	}
	return s.Take()
}

func TestRefusal(t *testing.T) {
	a, b := pair(t)
	go func() {
		if p, _, err := Receive(a); err == nil {
			_ = p.Refuse("it listens elsewhere")
		}
	}()
	if _, _, _, err := Ask(b, here); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "it listens elsewhere") {
		t.Errorf("Ask = %v", err)
	}
	c, d := pair(t)
	if _, err := io.WriteString(d, `{"protocol":2}`+"\n"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Receive(c); err == nil || !strings.Contains(err.Error(), "protocol 2") {
		t.Errorf("Receive = %v", err)
	}
}

// TestAnotherUser starts itself again as user 65534.
func TestAnotherUser(t *testing.T) {
	if path := os.Getenv("HANDOVER_SOCKET"); path != "" {
		askAs(t, path)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root: it starts a process as another user")
	}
	dir, err := os.MkdirTemp("/tmp", "handover")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(path, 0o777)); err != nil {
		t.Fatal(err)
	}
	output := runAs(t, 65534, path)
	c, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, _, err := Receive(c); err == nil || !strings.Contains(err.Error(), "as user 65534") {
		t.Errorf("Receive = %v", err)
	}
	if text := <-output; !strings.Contains(text, "it runs as user 65534, this server as user 0") {
		t.Errorf("the other user heard %s", text)
	}
}

// Whatever comes is a message or an error.
func FuzzReceive(f *testing.F) {
	f.Add([]byte(`{"protocol":1,"terms":{"listen":"a"}}` + "\n" + `{"ready":true}` + "\n"))
	f.Add([]byte("\n\n{\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		if len(sent) > 1<<16 {
			return // more than a socket takes without a reader
		}
		a, b := pair(t)
		defer a.Close()
		defer b.Close()
		if _, err := b.Write(sent); err != nil {
			t.Fatal(err)
		}
		if err := b.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c := conn{UnixConn: a}
		messages := 0
		for {
			var s step
			if _, err := c.receive(StepLimit, &s); errors.Is(err, io.EOF) {
				break
			}
			messages++
		}
		if lines := strings.Count(string(sent), "\n"); messages != lines {
			t.Errorf("%d messages in %d lines", messages, lines)
		}
	})
}
