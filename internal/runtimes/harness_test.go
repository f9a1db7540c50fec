package runtimes

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// The tests run the real bootstrap in the interpreters of this host, in a mount
// namespace where the folders are as in a sandbox, and play Lambent's side of the
// framed stream (package runtimeapi).

const (
	frameInvoke    = 0x01
	frameReady     = 0x81
	frameInitError = 0x82
	frameResponse  = 0x83
	frameError     = 0x84
	frameBegun     = 0x85
)

// process is a running bootstrap.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	conn net.Conn
	out  *output
	end  chan error // what Wait answered
}

// output collects what a process prints. Its methods may be called at any time.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// function is what a test runs.
type function struct {
	runtime string
	handler string
	files   map[string]string // below /var/task
	layer   map[string]string // below /opt/python
	opt     map[string]string // below /opt
	env     map[string]string

	readOnly bool // the package, as in a sandbox
}

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

// shared is this host's catalogue, so that each interpreter is looked at once, and
// sharedDir a folder for all tests.
var (
	shared    *Catalogue
	sharedDir string
)

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "runtimes-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	sharedDir = dir
	if shared, err = New(Options{Dir: filepath.Join(dir, "shared")}); err != nil {
		panic(err)
	}
	return m.Run()
}

// ends are the first and the last of versions that stand in order, which differ most from each
// other, or all of them in long rounds (make soak).
func ends[T any](versions []T) []T {
	if len(versions) < 3 || os.Getenv("SOAK_RUNTIMES") == "true" {
		return versions
	}
	return []T{versions[0], versions[len(versions)-1]}
}

// eachPython runs a test for the ends of this host's interpreters.
func eachPython(t *testing.T, test func(t *testing.T, c *Catalogue, id string)) {
	t.Helper()
	testPythons(t, ends(pythonsOf(shared)), test)
}

// everyPython runs a test for all of them.
func everyPython(t *testing.T, test func(t *testing.T, c *Catalogue, id string)) {
	t.Helper()
	testPythons(t, pythonsOf(shared), test)
}

func testPythons(t *testing.T, list []Found, test func(t *testing.T, c *Catalogue, id string)) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts the folders of a sandbox in a namespace of its own")
	}
	if len(list) == 0 {
		t.Skip("this host has no Python in ", shared.search)
	}
	for _, found := range list {
		t.Run(found.Runtime, func(t *testing.T) { test(t, shared, found.Runtime) })
	}
}

func pythonsOf(c *Catalogue) []Found {
	return slices.DeleteFunc(c.List(), func(f Found) bool { return !isPython(f.Runtime) })
}

// box enters the folders of a sandbox and becomes the command after "--". Its
// arguments are pairs of folder and target.
const box = `set -e
mount -t tmpfs -o mode=755 tmpfs /var
mount -t tmpfs -o mode=755 tmpfs /opt
while [ "$1" != -- ]; do mkdir -p "$2"; mount --bind "$1" "$2"; shift 2; done
shift
if [ -n "$READ_ONLY" ]; then mount -o remount,bind,ro /var/task; unset READ_ONLY; fi
cd /var/task
exec "$@"`

func start(t *testing.T, c *Catalogue, f function) *process {
	t.Helper()
	launch, err := c.Resolve(&lambda.Version{Runtime: f.runtime, Environment: f.env, MemorySize: 128})
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-m", "--propagation", "private", "sh", "-c", box, "box"}
	args = append(args, folder(t, f.files), TaskRoot)
	if f.layer != nil {
		args = append(args, folder(t, f.layer), "/opt/python")
	}
	if f.opt != nil {
		args = append(args, folder(t, f.opt), "/opt")
	}
	for _, m := range launch.Mounts {
		args = append(args, m.Source, m.Target)
	}
	args = append(append(args, "--", launch.Commands[0]), launch.Args...)
	p := &process{t: t, cmd: exec.Command("unshare", args...), out: &output{}, end: make(chan error, 1)}
	p.cmd.Env = variables(f, launch)
	if launch.Direct {
		p.cmd.Env = append(p.cmd.Env, "LAMBENT_STREAM=socket:3")
		p.hand(p.spawn)
	} else {
		p.cmd.Env = append(p.cmd.Env, "LAMBENT_STREAM=fd:3")
		p.run()
	}
	return p
}

func variables(f function, launch Launch) []string {
	env := map[string]string{
		"_HANDLER":                 f.handler,
		"AWS_LAMBDA_FUNCTION_NAME": "fn", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/fn",
		"AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]abc", "AWS_REGION": "us-east-1",
	}
	maps.Copy(env, f.env)
	for _, pair := range launch.Env {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	if f.readOnly {
		env["READ_ONLY"] = "1"
	}
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run starts the process and sends it one stream.
func (p *process) run() {
	p.t.Helper()
	channel, theirs, err := stream.New()
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { channel.Close() })
	p.spawn(theirs)
	if p.conn, err = channel.Open(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.conn.Close() })
	theirs.Close()
}

// spawn starts the process with a file as its fourth descriptor.
func (p *process) spawn(f *os.File) {
	p.t.Helper()
	p.cmd.ExtraFiles = []*os.File{f}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.WaitDelay = time.Second
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { p.end <- p.cmd.Wait() }()
	p.t.Cleanup(p.kill)
}

// hand makes a stream and gives its other end away.
func (p *process) hand(give func(*os.File)) {
	p.t.Helper()
	host, guest := socketpair(p.t)
	give(guest)
	conn, err := net.FileConn(host)
	if err != nil {
		p.t.Fatal(err)
	}
	p.conn = conn
	p.t.Cleanup(func() { conn.Close() })
	guest.Close()
	host.Close()
}

// kill ends the process; what it has printed is whole then. It may be called again.
func (p *process) kill() {
	_ = unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL) // it may have ended
	select {
	case err := <-p.end:
		p.end <- err
	case <-time.After(10 * time.Second):
		p.t.Error("the process did not end")
	}
}

func socketpair(t *testing.T) (a, b *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")
}

// frame reads one frame.
func (p *process) frame() (kind byte, payload []byte, err error) {
	if err := p.conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return 0, nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(p.conn, head[:]); err != nil {
		return 0, nil, err
	}
	if head[1]&^2 != 0 || head[1] != 0 && head[0] != frameError || head[2] != 0 || head[3] != 0 {
		return 0, nil, fmt.Errorf("header % x", head)
	}
	payload = make([]byte, binary.BigEndian.Uint32(head[4:]))
	_, err = io.ReadFull(p.conn, payload)
	return head[0], payload, err
}

// expect reads one frame of a kind.
func (p *process) expect(kind byte) []byte {
	p.t.Helper()
	got, payload, err := p.frame()
	if err != nil || got != kind {
		p.t.Fatalf("frame %#02x %.2000s, %v; want %#02x; output:\n%s", got, payload, err, kind, p.out)
	}
	return payload
}

// ready waits for the end of initialisation.
func (p *process) ready() *process {
	p.t.Helper()
	p.expect(frameBegun)
	p.expect(frameReady)
	return p
}

// send writes an Invoke frame.
func (p *process) send(meta map[string]any, event []byte) {
	p.t.Helper()
	m := map[string]any{"id": "8d5f", "deadlineMs": time.Now().Add(3 * time.Second).UnixMilli(), "arn": "arn:fn"}
	maps.Copy(m, meta)
	encoded, err := json.Marshal(m)
	if err != nil {
		p.t.Fatal(err)
	}
	frame := []byte{frameInvoke, 0, 0, 0}
	frame = binary.BigEndian.AppendUint32(frame, uint32(4+len(encoded)+len(event)))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(encoded)))
	if _, err := p.conn.Write(slices.Concat(frame, encoded, event)); err != nil {
		p.t.Fatal(err)
	}
}

// invoke sends an event and returns the answer.
func (p *process) invoke(event string) string {
	p.t.Helper()
	p.send(nil, []byte(event))
	return string(p.expect(frameResponse))
}

// failure is what a runtime reports of an error.
type failure struct {
	Message string   `json:"errorMessage"`
	Type    string   `json:"errorType"`
	Request string   `json:"requestId"`
	Trace   []string `json:"stackTrace"`
}

func (p *process) fail(event string) failure {
	p.t.Helper()
	p.send(nil, []byte(event))
	return p.failure(p.expect(frameError))
}

func (p *process) failure(payload []byte) failure {
	p.t.Helper()
	var f failure
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		p.t.Fatalf("%v: %s", err, payload)
	}
	return f
}

// exit waits for the end of the process.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case err := <-p.end:
		p.end <- err
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(20 * time.Second):
		p.t.Fatal("the process did not end")
		return -1
	}
}

// printed waits until the output holds a text: it comes through a pipe of its own.
func (p *process) printed(text string) string {
	p.t.Helper()
	for range 500 {
		if s := p.out.String(); strings.Contains(s, text) {
			return s
		}
		time.Sleep(2 * time.Millisecond)
	}
	p.t.Fatalf("not printed: %q in %q", text, p.out)
	return ""
}
