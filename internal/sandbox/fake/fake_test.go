package fake_test

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/fake"
)

var errBoom = errors.New("boom")

// newBox returns a box of a driver that follows s.
func newBox(t *testing.T, s fake.Script) (*fake.Driver, sandbox.Sandbox) {
	t.Helper()
	d := fake.New(s)
	template, err := d.Prepare(t.Context(), sandbox.Base{})
	if err != nil {
		t.Fatal(err)
	}
	box, err := template.Create(t.Context(), "box")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = box.Close(context.Background())
		_ = template.Close()
		synctest.Wait()
		if c := d.Count(); !c.Idle() || c.Templates != 0 {
			t.Errorf("left behind: %+v", c)
		}
	})
	return d, box
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, not %v", what, got, want)
	}
}

func TestCallingOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, box := newBox(t, fake.Script{})
		ctx := t.Context()
		_, err := box.Run(ctx, sandbox.Command{})
		wantErr(t, "run before bind", err, sandbox.ErrNotBound)
		_, err = box.Open(ctx)
		wantErr(t, "open before bind", err, sandbox.ErrNotBound)
		wantErr(t, "reset before bind", box.Reset(ctx), sandbox.ErrNotBound)
		wantErr(t, "bind", box.Bind(ctx, sandbox.Workload{}), nil)
		wantErr(t, "second bind", box.Bind(ctx, sandbox.Workload{}), sandbox.ErrBound)
		wantErr(t, "err of a live box", box.Err(), nil)
		wantErr(t, "close", box.Close(ctx), nil)
		wantErr(t, "second close", box.Close(ctx), nil)
		<-box.Done()
		checkClosed(t, box)
	})
}

func checkClosed(t *testing.T, box sandbox.Sandbox) {
	t.Helper()
	ctx := t.Context()
	_, run := box.Run(ctx, sandbox.Command{})
	_, open := box.Open(ctx)
	_, listen := box.Listen(ctx, "a:1")
	_, dial := box.Dial(ctx, "a:1")
	_, usage := box.Usage(ctx)
	for what, err := range map[string]error{
		"bind": box.Bind(ctx, sandbox.Workload{}), "run": run, "open": open, "listen": listen, "dial": dial,
		"usage": usage, "reset": box.Reset(ctx), "err": box.Err(), "freeze": box.(sandbox.Freezer).Freeze(ctx),
	} {
		wantErr(t, what+" after the end", err, sandbox.ErrClosed)
	}
}

func TestFaultsOfCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, box := newBox(t, fake.Script{Faults: []fake.Fault{
			{At: fake.Run, Nth: 2, Err: errBoom}, {At: fake.Bind, Wait: time.Hour}, {At: fake.Reset, KillBox: errBoom},
		}})
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errBoom)
		defer cancel()
		wantErr(t, "bind that is too slow", box.Bind(ctx, sandbox.Workload{}), errBoom)
		wantErr(t, "bind", box.Bind(t.Context(), sandbox.Workload{}), nil)
		first, err := box.Run(t.Context(), sandbox.Command{})
		wantErr(t, "first run", err, nil)
		_, err = box.Run(t.Context(), sandbox.Command{})
		wantErr(t, "second run", err, errBoom)
		wantErr(t, "reset", box.Reset(t.Context()), errBoom)
		wantErr(t, "err", box.Err(), errBoom)
		<-first.Done()
		if e := first.Exit(); e.Signal != syscall.SIGKILL {
			t.Errorf("exit %+v", e)
		}
	})
}

func TestProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, box := newBox(t, fake.Script{Program: func(ctx context.Context, p *fake.Proc) sandbox.Exit {
			if p.Command.Path == "/exit" {
				return sandbox.Exit{Code: 4}
			}
			<-ctx.Done()
			return sandbox.Exit{Code: 99} // too late: the signal has ended it
		}})
		wantErr(t, "bind", box.Bind(t.Context(), sandbox.Workload{}), nil)
		p, err := box.Run(t.Context(), sandbox.Command{Path: "/exit"})
		wantErr(t, "run", err, nil)
		<-p.Done()
		if p.Exit().Code != 4 {
			t.Errorf("exit %+v", p.Exit())
		}
		wantErr(t, "signal after the end", p.Signal(syscall.SIGTERM), os.ErrProcessDone)
		p, err = box.Run(t.Context(), sandbox.Command{Path: "/wait"})
		wantErr(t, "run", err, nil)
		wantErr(t, "signal", p.Signal(syscall.SIGTERM), nil)
		<-p.Done()
		if p.Exit() != (sandbox.Exit{Signal: syscall.SIGTERM}) || d.Count().Processes != 0 {
			t.Errorf("exit %+v, %+v", p.Exit(), d.Count())
		}
	})
}

func TestDirectStreamOpensOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, box := newBox(t, fake.Script{})
		wantErr(t, "bind", box.Bind(t.Context(), sandbox.Workload{}), nil)
		_, err := box.Run(t.Context(), sandbox.Command{Stream: true, Direct: true})
		wantErr(t, "run", err, nil)
		_, err = box.Open(t.Context())
		wantErr(t, "open", err, nil)
		if _, err := box.Open(t.Context()); err == nil {
			t.Error("a command with one stream got a second")
		}
	})
}

// Both sides can listen, and each finds the other.
func TestNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, box := newBox(t, fake.Script{Program: func(ctx context.Context, p *fake.Proc) sandbox.Exit {
			c, err := p.Dial(ctx, "127.0.0.1:9001")
			if err != nil {
				return sandbox.Exit{Code: 1}
			}
			_, _ = io.WriteString(c, "in")
			l, err := p.Listen("127.0.0.1:80")
			if err != nil {
				return sandbox.Exit{Code: 2}
			}
			if c, err = l.Accept(); err != nil {
				return sandbox.Exit{Code: 3}
			}
			_, _ = io.WriteString(c, "out")
			return sandbox.Exit{}
		}})
		wantErr(t, "bind", box.Bind(t.Context(), sandbox.Workload{}), nil)
		l, err := box.Listen(t.Context(), "127.0.0.1:9001")
		wantErr(t, "listen", err, nil)
		_, err = box.Listen(t.Context(), "127.0.0.1:9001")
		wantErr(t, "listen twice", err, syscall.EADDRINUSE)
		_, err = box.Dial(t.Context(), "127.0.0.1:80")
		wantErr(t, "dial before it listens", err, syscall.ECONNREFUSED)
		if _, err := box.Run(t.Context(), sandbox.Command{}); err != nil {
			t.Fatal(err)
		}
		c, err := l.Accept()
		wantErr(t, "accept", err, nil)
		checkRead(t, c, "in")
		synctest.Wait()
		c, err = box.Dial(t.Context(), "127.0.0.1:80")
		wantErr(t, "dial", err, nil)
		checkRead(t, c, "out")
	})
}

func checkRead(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
}
