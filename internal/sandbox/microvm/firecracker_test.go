package microvm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/microvm/firecracker"
	"lambent.dev/lambent/internal/sandbox/microvm/firecracker/described"
)

// jailed is what answers in the place of a Firecracker in its jail: its API as it is described, on
// files that must be in the jail; and its vsock socket, behind which an agent echoes.
type jailed struct {
	root  string
	api   *described.Server
	dials atomic.Int32
}

// answer has it answer for a monitor. The first that asks for the agent comes too early.
func answer(t *testing.T, m *firecrackerMonitor) *jailed {
	t.Helper()
	api, err := described.New()
	if err != nil {
		t.Fatal(err)
	}
	j := &jailed{root: m.jail.Root().Name(), api: api}
	api.Look, api.Saved = j.look, agentproto.Devices()
	server := &http.Server{Handler: api, ReadHeaderTimeout: time.Minute}
	serveIn(t, filepath.Join(j.root, firecracker.APISocket), func(l net.Listener) { _ = server.Serve(l) })
	t.Cleanup(func() { _ = server.Close() })
	return j
}

// serveIn serves a socket, whose path may be longer than addresses are.
func serveIn(t *testing.T, path string, serve func(net.Listener)) {
	t.Helper()
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	l, err := net.Listen("unix", fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); serve(l) }()
	t.Cleanup(func() { _ = l.Close(); <-ended })
}

// look opens what a request names, as who Firecracker runs as may.
func (j *jailed) look(_ string, body map[string]any) error {
	backend, _ := body["mem_backend"].(map[string]any)
	for _, name := range []any{body["kernel_image_path"], body["initrd_path"], body["path_on_host"], body["snapshot_path"], body["mem_file_path"], backend["backend_path"]} {
		path, is := name.(string)
		if !is {
			continue
		}
		_, saves := body["mem_file_path"]
		if err := mayOpen(j.root+path, saves || strings.HasSuffix(path, "/tmp")); err != nil {
			return err
		}
	}
	return nil
}

// mayOpen says whether the monitors' user may read a file, and write those, and only those, that
// are its own.
func mayOpen(path string, writes bool) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	stat, mode := info.Sys().(*syscall.Stat_t), info.Mode()
	own := stat.Uid == monitorID && mode&0o600 == 0o600
	shown := stat.Uid == 0 && stat.Gid == monitorID && mode&0o060 == 0o040
	if !mode.IsRegular() || mode&0o007 != 0 || writes != own || writes == shown {
		return fmt.Errorf("%s is %d's and %d's, %s", path, stat.Uid, stat.Gid, mode)
	}
	return nil
}

func (j *jailed) listenVsock(t *testing.T) {
	t.Helper()
	serveIn(t, filepath.Join(j.root, firecracker.VsockSocket), func(l net.Listener) {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			j.echo(conn)
		}
	})
}

func (j *jailed) echo(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	if line, err := r.ReadString('\n'); err != nil || line != "CONNECT 1024\n" || j.dials.Add(1) == 1 {
		return
	}
	_, _ = io.WriteString(conn, "OK 1073741824\n")
	_, _ = io.Copy(conn, r)
}

// newFirecracker makes a monitor whose program is never executed.
func newFirecracker(t *testing.T) *firecrackerVMM {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "firecracker")
	write(t, program, "a program")
	return &firecrackerVMM{
		programs: firecracker.Programs{Firecracker: program, Jailer: filepath.Join(dir, "jailer")},
		jails:    filepath.Join(dir, strings.Repeat("long", 40), "jails"), shelf: &shelf{filepath.Join(dir, "shelf")},
	}
}

func write(t *testing.T, path, text string) *os.File {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// parts are files as a template has them: in files, in memory, and without a name.
func parts(t *testing.T) hardware {
	t.Helper()
	dir := t.TempDir()
	initrd, err := memoryFile("initrd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = initrd.Close() })
	h := hardware{memory: 192 << 20, cpus: 1, kvm: true, kernel: write(t, filepath.Join(dir, "kernel"), "kernel"), initrd: initrd, drives: make(map[string]*os.File)}
	for _, name := range agentproto.Devices() {
		h.drives[name] = write(t, filepath.Join(dir, name), name)
	}
	if err := os.Remove(filepath.Join(dir, "tmp")); err != nil {
		t.Fatal(err)
	}
	return h
}

// A guest is booted, saved and goes on in another jail, all as the description has it, on files
// that are there and that the monitor may open: and nothing stays.
func TestFirecrackerMonitorFromBootToRestore(t *testing.T) {
	needRoot(t)
	v := newFirecracker(t)
	if err := os.MkdirAll(v.shelf.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h := parts(t)
	s := bootAndSave(t, v, h)
	path := filepath.Join(v.shelf.dir, "snapshot")
	if err := errors.Join(s.settle(), s.store(path), s.close()); err != nil {
		t.Fatal(err)
	}
	s, err := loadSnapshot(path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	h.kernel, h.initrd = nil, nil
	m, guest, api := start(t, v, "restored", h, s)
	speaks(t, m.port())
	image := write(t, filepath.Join(t.TempDir(), "code"), "code")
	if err := errors.Join(guest.attach(t.Context(), "code0", image), guest.pause(t.Context()), guest.resume(t.Context())); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(filepath.Join(api.root, "files", "code0-1")); string(got) != "code" {
		t.Errorf("the drive shows %q, %v", got, err)
	}
	if want := []string{"loadSnapshot", "patchGuestDriveByID", "patchVm", "patchVm"}; !slices.Equal(api.api.Asked(), want) {
		t.Errorf("asked %v", api.api.Asked())
	}
	if err := errors.Join(guest.close(), m.port().Close(), m.close()); err != nil {
		t.Error(err)
	}
	empty(t, filepath.Join(v.jails, "firecracker"))
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("it needs root: files get owners")
	}
}

// start has a monitor's place taken, and opens it.
func start(t *testing.T, v *firecrackerVMM, id string, h hardware, s *snapshot) (*firecrackerMonitor, machine, *jailed) {
	t.Helper()
	prepared, err := v.prepare(id, h, s)
	if err != nil {
		t.Fatal(err)
	}
	m := prepared.(*firecrackerMonitor)
	api := answer(t, m)
	api.listenVsock(t)
	t.Cleanup(func() { _ = m.port().Close() }) // before the socket's: it waits for that
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	guest, err := m.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m, guest, api
}

func bootAndSave(t *testing.T, v *firecrackerVMM, h hardware) *snapshot {
	t.Helper()
	m, guest, api := start(t, v, "boot-1", h, nil)
	speaks(t, m.port())
	if _, err := guest.save(t.Context()); err == nil {
		t.Error("a guest that runs was saved")
	}
	empty(t, v.shelf.dir)
	if err := guest.pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := guest.save(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Firecracker would write these.
	for path, text := range map[string]string{"memory": "pages", "state": "registers"} {
		if err := os.WriteFile(filepath.Join(api.root, "files", path), []byte(text), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(guest.close(), m.port().Close(), m.close()); err != nil {
		t.Error(err)
	}
	return s
}

// speaks sends to the agent, and hears it.
func speaks(t *testing.T, port io.ReadWriter) {
	t.Helper()
	const text = "a frame"
	got := make([]byte, len(text))
	if _, err := io.WriteString(port, text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(port, got); err != nil || string(got) != text {
		t.Errorf("heard %q, %v", got, err)
	}
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left in %s: %v", left, dir, err)
	}
}

// A program that is not what it should be leads nobody elsewhere: not to a socket of the host's.
func TestMonitorThatMovesItsSocketsIsNotFollowed(t *testing.T) {
	needRoot(t)
	v := newFirecracker(t)
	prepared, err := v.prepare("evil", parts(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := prepared.(*firecrackerMonitor)
	defer m.close()
	elsewhere := filepath.Join(t.TempDir(), "s")
	var heard atomic.Int32
	serveIn(t, elsewhere, func(l net.Listener) {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			heard.Add(1)
			_ = conn.Close()
		}
	})
	if err := os.Symlink(elsewhere, filepath.Join(m.jail.Root().Name(), firecracker.APISocket)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if _, err := m.open(ctx); err == nil || heard.Load() != 0 {
		t.Errorf("%d connections, %v", heard.Load(), err)
	}
}

// Who waits for a monitor that ended does not wait for long, nor does who reads its port.
func TestMonitorThatNeverAnswersIsLeft(t *testing.T) {
	needRoot(t)
	prepared, err := newFirecracker(t).prepare("mute", parts(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.close()
	gone := errors.New("it ended")
	ctx, leave := context.WithCancelCause(t.Context())
	leave(gone)
	if _, err := prepared.open(ctx); !errors.Is(err, gone) {
		t.Errorf("opening: %v", err)
	}
	port := prepared.port()
	_ = port.Close()
	if n, err := port.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d, %v", n, err)
	}
	if _, err := port.Write([]byte("x")); err == nil {
		t.Error("a port that was closed took bytes")
	}
}

// What guests boot from is laid out once, whole.
func TestMonitorsShelfKeepsWhatIsWhole(t *testing.T) {
	s := &shelf{filepath.Join(t.TempDir(), "shelf")}
	broken := errors.New("broken")
	if _, err := s.file("a", func(w *os.File) error { _, _ = w.WriteString("ha"); return broken }); !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
	for _, text := range []string{"one", "two"} {
		path, err := s.file("a", func(w *os.File) error { _, err := w.WriteString(text); return err })
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); !bytes.Equal(got, []byte("one")) {
			t.Errorf("it holds %q", got)
		}
	}
}
