package light_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

func TestRunsACommandAsTheFunctionUser(t *testing.T) {
	s := newBox(t, workload())
	r := sh(t, s, `id -u; id -g; id -un; hostname; cat /proc/self/oom_score_adj; ulimit -n; ulimit -c
		grep -E 'Cap|NoNew|Seccomp:' /proc/self/status`)
	for _, want := range []string{
		"993\n", "990\n", "sbx_user1051\n", "sandbox\n", "500\n", "1024\n",
		"NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000", "CapPrm:\t0000000000000000",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("output lacks %q: %s", want, r.out)
		}
	}
	if r.exit != (sandbox.Exit{}) {
		t.Errorf("exit = %+v", r.exit)
	}
}

func TestShowsOnlyTheChosenFoldersOfTheHost(t *testing.T) {
	code := t.TempDir()
	if err := os.WriteFile(filepath.Join(code, "handler.py"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	w := workload()
	w.Mounts = []sandbox.Mount{{Source: code, Target: "/var/task"}}
	s := newBox(t, w)
	r := sh(t, s, `ls -a /; echo; ls /var/task; ls /dev; ls /proc | grep -c '^[0-9]'
		for f in /etc/shadow /root /home /boot /var/lib /sys /dev/sda /dev/loop0 /dev/kvm; do [ -e $f ] && echo "SEES $f"; done
		for f in /x /usr/x /var/task/x /etc/x /dev/x /proc/sys/kernel/core_pattern /.lambent/x /run/x; do
			(echo y > $f) 2>/dev/null && echo "WROTE $f"; done
		cat /proc/kcore /proc/keys /proc/kallsyms /proc/cmdline | head -c 10
		grep -c ^processor /proc/cpuinfo >/dev/null && echo cpuinfo`)
	for _, bad := range []string{"SEES", "WROTE", "loop"} {
		if strings.Contains(r.out, bad) {
			t.Errorf("the box shows or lets write too much: %s", r.out)
		}
	}
	for _, want := range []string{"handler.py", "cpuinfo", "urandom"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("output lacks %q: %s", want, r.out)
		}
	}
}

func TestInheritsOnlyItsDescriptors(t *testing.T) {
	leaked, err := syscall.Open("/etc/shadow", syscall.O_RDONLY, 0) // no O_CLOEXEC
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(leaked) }()
	s := newBox(t, workload())
	r := run(t, s, sandbox.Command{Path: "/bin/ls", Args: []string{"/proc/self/fd"}, Stream: true})
	// 4 is the folder that ls itself reads.
	if got := strings.Fields(r.out); strings.Join(got, " ") != "0 1 2 3 4" {
		t.Errorf("descriptors inside: %v", got)
	}
}

func TestExitCodesAndSignals(t *testing.T) {
	s := newBox(t, workload())
	if r := sh(t, s, "exit 7"); r.exit.Code != 7 || r.exit.Signal != 0 {
		t.Errorf("exit = %+v, want code 7", r.exit)
	}
	p, err := s.Run(t.Context(), sandbox.Command{Path: "/bin/sleep", Args: []string{"60"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if e := p.Exit(); e.Signal != syscall.SIGTERM || e.OutOfMemory {
		t.Errorf("exit = %+v, want SIGTERM", e)
	}
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a signal to an ended process: %v", err)
	}
}

func TestMissingCommandIsNotExist(t *testing.T) {
	s := newBox(t, workload())
	_, err := s.Run(t.Context(), sandbox.Command{Path: "/var/task/bootstrap"})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err = %v, want one that is fs.ErrNotExist", err)
	}
	if r := sh(t, s, "echo alive"); r.out != "alive\n" {
		t.Errorf("the box after it: %q", r.out)
	}
}

func TestResetEndsAllAndKeepsTmp(t *testing.T) {
	s := newBox(t, workload())
	script := `echo kept > /tmp/kept; (setsid sleep 1000 >/dev/null 2>&1 &); trap '' TERM; echo ready; sleep 1000`
	var out buffer
	p, err := s.Run(t.Context(), sandbox.Command{
		Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}, Stdout: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return strings.Contains(out.String(), "ready") })
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	default:
		t.Error("a process outlived the reset")
	}
	if e := p.Exit(); e.Signal != syscall.SIGKILL || e.OutOfMemory {
		t.Errorf("exit = %+v, want SIGKILL", e)
	}
	r := sh(t, s, `cat /tmp/kept; ls /proc | grep '^[0-9]' | wc -l`)
	// The init, the shell, ls, grep and wc are what is left.
	if got := strings.Fields(r.out); len(got) != 2 || got[0] != "kept" || len(got[1]) != 1 || got[1] > "5" {
		t.Errorf("after the reset: %v", got)
	}
}

func TestOutOfMemoryIsNamedAndTheBoxStays(t *testing.T) {
	s := newBox(t, workload())
	r := run(t, s, sandbox.Command{Path: "/usr/bin/perl", Args: []string{"-e", `$x = "x" x (400<<20); print length $x`}})
	if !r.exit.OutOfMemory || r.exit.Signal != syscall.SIGKILL {
		t.Errorf("exit = %+v (%s), want out of memory", r.exit, r.out)
	}
	u, err := s.Usage(t.Context())
	if err != nil || u.OOMKills == 0 || u.MemoryPeak > 128<<20 {
		t.Errorf("usage = %+v, %v", u, err)
	}
	if r := sh(t, s, "kill -9 $$"); r.exit.OutOfMemory || r.exit.Signal != syscall.SIGKILL {
		t.Errorf("a kill of its own after that: %+v", r.exit)
	}
}

func TestTmpHasItsOwnLimit(t *testing.T) {
	s := newBox(t, workload())
	r := sh(t, s, `dd if=/dev/zero of=/tmp/a bs=1M count=400 2>&1 | tail -1; ls -l /tmp/a | cut -d' ' -f5
		dd if=/dev/zero of=/tmp/b bs=1M count=200 2>&1 | grep -o 'No space left' | head -1`)
	if !strings.Contains(r.out, fmt.Sprint(400<<20)) || !strings.Contains(r.out, "No space left") {
		t.Errorf("a 128 MB function with 512 MB of /tmp: %s", r.out)
	}
	if u, err := s.Usage(t.Context()); err != nil || u.OOMKills != 0 {
		t.Errorf("usage = %+v, %v", u, err)
	}
}

func TestListenAndDial(t *testing.T) {
	s := newBox(t, workload())
	l, err := s.Listen(t.Context(), "169.254.100.1:9001")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.WriteString(c, "from the host\n")
			_ = c.Close()
		}
	}()
	r := run(t, s, sandbox.Command{Path: "/bin/bash", Args: []string{"-c", "read x < /dev/tcp/169.254.100.1/9001; echo $x; ls /sys 2>&1"}})
	if !strings.HasPrefix(r.out, "from the host\n") {
		t.Errorf("the box read %q", r.out)
	}
	_, err = s.Run(t.Context(), sandbox.Command{Path: "/usr/bin/perl", Args: []string{
		"-MIO::Socket::INET", "-e",
		`$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:8080", Listen => 5) or die $!; $c = $s->accept; print $c "from the box\n"`,
	}})
	if err != nil {
		t.Fatal(err)
	}
	var conn net.Conn
	waitFor(t, func() bool { conn, err = s.Dial(t.Context(), "127.0.0.1:8080"); return err == nil })
	defer func() { _ = conn.Close() }()
	if line, _ := bufio.NewReader(conn).ReadString('\n'); line != "from the box\n" {
		t.Errorf("the host read %q", line)
	}
}

func TestLoopbackIsItsOwn(t *testing.T) {
	s := newBox(t, workload())
	l, err := s.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("a listener of the box is reachable on the host's loopback")
	}
	host, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = host.Close() }()
	if c, err := s.Dial(t.Context(), host.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("a listener of the host is reachable on the box's loopback")
	}
}

func TestStream(t *testing.T) {
	s := newBox(t, workload())
	if _, err := s.Open(t.Context()); err == nil {
		t.Error("a stream was opened to nobody")
	}
	const echo = `import os, socket, array
s = socket.socket(fileno=int(os.environ["LAMBENT_STREAM"].removeprefix("fd:")))
data, fds, _, _ = socket.recv_fds(s, 1, 2)
c = socket.socket(fileno=fds[0])
while True:
    b = os.read(fds[1], 100)
    if not b: break
    c.sendall(b.upper())
`
	p, err := s.Run(t.Context(), sandbox.Command{Path: "/usr/bin/python3", Args: []string{"-c", echo}, Stream: true, Stderr: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "hello\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); line != "HELLO\n" {
		t.Errorf("answer %q, %v", line, err)
	}
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("the stream of an ended process gave %d bytes", n)
	}
	_ = c.Close()
}

func TestSyncDeliversWhatWasWritten(t *testing.T) {
	s := newBox(t, workload())
	var out buffer
	p, err := s.Run(t.Context(), sandbox.Command{
		Path: "/bin/sh", Args: []string{"-c", "echo one; echo two >&2; touch /tmp/done; sleep 100"},
		Env: []string{"PATH=/usr/bin:/bin"}, Stdout: &out, Stderr: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	sh(t, s, "while ! [ -e /tmp/done ]; do sleep 0.01; done")
	if err := p.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out.String() != "one\ntwo\n" {
		t.Errorf("after Sync: %q", out.String())
	}
}

func TestFreezeAndThaw(t *testing.T) {
	s := newBox(t, workload())
	var out buffer
	_, err := s.Run(t.Context(), sandbox.Command{Path: "/usr/bin/perl", Args: []string{"-e", `$| = 1; while (1) { print "x"; select(undef, undef, undef, 0.01) }`}, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return len(out.String()) > 3 })
	f := s.(sandbox.Freezer)
	for range 2 {
		if err := f.Freeze(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(20 * time.Millisecond)
	still := len(out.String())
	time.Sleep(100 * time.Millisecond)
	if now := len(out.String()); now != still {
		t.Errorf("a frozen box wrote %d bytes", now-still)
	}
	for range 2 {
		if err := f.Thaw(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool { return len(out.String()) > still })
	if err := f.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeBox(t, s) // also a frozen box goes
}

func TestOrderOfCalls(t *testing.T) {
	s := create(t, prepare(t, newDriver(t)))
	ctx := t.Context()
	if _, err := s.Run(ctx, sandbox.Command{Path: "/bin/true"}); !errors.Is(err, sandbox.ErrNotBound) {
		t.Errorf("Run before Bind: %v", err)
	}
	if err := s.Reset(ctx); !errors.Is(err, sandbox.ErrNotBound) {
		t.Errorf("Reset before Bind: %v", err)
	}
	bad := workload()
	bad.Mounts = []sandbox.Mount{{Source: "/nowhere/at/all", Target: "/opt"}}
	if err := s.Bind(ctx, bad); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Bind of a missing folder: %v", err)
	}
	if err := s.Bind(ctx, workload()); err != nil {
		t.Errorf("Bind after a failed one: %v", err)
	}
	if err := s.Bind(ctx, workload()); !errors.Is(err, sandbox.ErrBound) {
		t.Errorf("second Bind: %v", err)
	}
	closeBox(t, s)
	closeBox(t, s)
	if !errors.Is(s.Err(), sandbox.ErrClosed) {
		t.Errorf("Err after Close: %v", s.Err())
	}
	_, err := s.Usage(ctx)
	_, listen := s.Listen(ctx, "127.0.0.1:1")
	for i, err := range []error{err, listen, s.Reset(ctx), s.Bind(ctx, workload()), s.(sandbox.Freezer).Freeze(ctx)} {
		if !errors.Is(err, sandbox.ErrClosed) {
			t.Errorf("call %d after Close: %v", i, err)
		}
	}
}

func TestCutShortLeavesNothing(t *testing.T) {
	tmpl := prepare(t, newDriver(t))
	cause := errors.New("the caller left")
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := tmpl.Create(gone, "cut"); !errors.Is(err, cause) {
		t.Errorf("Create: %v", err)
	}
	s := create(t, tmpl)
	if err := s.Bind(t.Context(), workload()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(gone, sandbox.Command{Path: "/bin/sleep", Args: []string{"100"}}); !errors.Is(err, cause) {
		t.Errorf("Run: %v", err)
	}
	if r := sh(t, s, "cat /proc/[0-9]*/comm"); strings.Contains(r.out, "sleep") {
		t.Errorf("a command that was cut short runs: %s", r.out)
	}
}

func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatal("waited 10 s in vain")
}
