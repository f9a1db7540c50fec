package floor

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/bench/load"
	"lambent.dev/lambent/bench/workloads"
)

func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := WriteScripts(dir); err != nil {
		t.Fatal(err)
	}
	for _, l := range []workloads.Language{workloads.Python, workloads.Node} {
		if err := workloads.Write(l, dir); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("this host lacks %s", name)
	}
	return path
}

func TestSpawnsAreTimedToTheirEvent(t *testing.T) {
	sleep := Command{Args: []string{"/bin/sh", "-c", "echo x; exec sleep 0.2"}, Env: os.Environ()}
	toExit, err := sleep.UntilExit()
	if err != nil {
		t.Fatal(err)
	}
	toOutput, err := sleep.UntilOutput()
	if err != nil {
		t.Fatal(err)
	}
	if toExit.Took < 200*time.Millisecond || toOutput.Took >= 200*time.Millisecond {
		t.Errorf("until its end %v, until its output %v", toExit.Took, toOutput.Took)
	}
	for _, bad := range []Command{{Args: []string{"/bin/false"}}, {Args: []string{"/nothing"}}} {
		if _, err := bad.UntilExit(); err == nil {
			t.Errorf("%v ended well", bad.Args)
		}
	}
	if _, err := (Command{Args: []string{"/bin/true"}}).UntilOutput(); err == nil || !strings.Contains(err.Error(), "printed nothing") {
		t.Error(err)
	}
}

// The program is killed before it can see that it gets no answer: that would be an exit code.
func TestFirstCall(t *testing.T) {
	a, err := NewRuntimeAPI()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	caller := filepath.Join(t.TempDir(), "caller")
	script := "#!" + program(t, "bash") + "\nsleep 0.1\nexec 5<>/dev/tcp/${AWS_LAMBDA_RUNTIME_API/:/\\/}\nprintf 'GET /next HTTP/1.1\\r\\n' >&5\nread -r <&5\nexit 1\n"
	if err := os.WriteFile(caller, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		got, err := a.UntilFirstCall(caller)
		if err != nil {
			t.Fatal(err)
		}
		if got.Took < 100*time.Millisecond {
			t.Errorf("asked after %v", got.Took)
		}
	}
}

func TestZygoteForksAFreshModuleEachTime(t *testing.T) {
	z, err := StartZygote(program(t, "python3"), folder(t), []string{"json", "logging"})
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, n := range []int{1, 20} {
		before := time.Now().UnixMicro()
		if _, err := z.Fork(n, "hello", `{"name":"you"}`); err != nil {
			t.Fatal(err)
		}
		var a struct{ Born int64 }
		if err := json.Unmarshal(z.last(), &a); err != nil {
			t.Fatal(err)
		}
		if a.Born < before {
			t.Errorf("the module was imported %d µs before the request", before-a.Born)
		}
	}
}

// last is the answer that was received last.
func (z *Zygote) last() []byte {
	text, _, _ := strings.Cut(string(z.buf), "}")
	return []byte(text + "}")
}

func TestPlainServersAnswerAsTheFunction(t *testing.T) {
	dir := folder(t)
	for _, args := range [][]string{
		{program(t, "python3"), filepath.Join(dir, "server.py"), "ADDR", dir, "hello"},
		{program(t, "node"), filepath.Join(dir, "server.js"), "ADDR", dir, "hello"},
	} {
		s, err := StartServer(t.Context(), args...)
		if err != nil {
			t.Fatal(err)
		}
		answers(t, s.Addr)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := StartServer(t.Context(), "/bin/sh", "-c", "echo no such thing >&2"); err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("a server that ends: %v", err)
	}
}

// The relay's interpreter answers one event after the other, also one that comes in pieces.
func TestRelayedHandlerAnswers(t *testing.T) {
	dir := folder(t)
	cmd := exec.CommandContext(t.Context(), program(t, "python3"), filepath.Join(dir, "relay.py"), dir, "hello")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, pieces := range [][]string{{"\x00\x00\x00\x0e{\"name\":\"you\"}"}, {"\x00\x00\x00\x0e{\"na", "me\":\"you\"}"}} {
		for _, piece := range pieces {
			if _, err := in.Write([]byte(piece)); err != nil {
				t.Fatal(err)
			}
		}
		head := make([]byte, 4)
		if _, err := io.ReadFull(out, head); err != nil {
			t.Fatal(err)
		}
		body := make([]byte, binary.BigEndian.Uint32(head))
		if _, err := io.ReadFull(out, body); err != nil || !strings.Contains(string(body), "you") {
			t.Errorf("%q, %v", body, err)
		}
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func answers(t *testing.T, addr string) {
	t.Helper()
	c, err := load.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 3 {
		a, err := c.Do(load.Post(addr, "/", []byte(`{"name":"you"}`)))
		if err != nil {
			t.Fatal(err)
		}
		if a.Status != http.StatusOK || !strings.Contains(string(a.Body), "Hello, you!") {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if a.Took > 30*time.Millisecond {
			t.Logf("an answer took %v: a delayed acknowledgement is 40 ms", a.Took)
		}
	}
}

func TestContainersRunTheFunction(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("containers need root")
	}
	dir := folder(t)
	r := &Runtime{
		Program: program(t, "runc"), Dir: t.TempDir(), Show: []string{dir},
		Args: []string{"/usr/bin/python3", filepath.Join(dir, "once.py"), dir, "hello"},
	}
	before := time.Now().UnixMicro()
	_, out, err := r.Once(t.Context(), `{"name":"you"}`)
	if err != nil {
		t.Fatal(err)
	}
	var a struct {
		Born   int64
		Result string
	}
	if err := json.Unmarshal(out, &a); err != nil || a.Result != "Hello, you!" || a.Born < before {
		t.Errorf("%s (%v)", out, err)
	}
	serving := &Runtime{
		Program: r.Program, Dir: t.TempDir(), Show: []string{dir}, Host: true,
		Args: []string{"/usr/bin/python3", filepath.Join(dir, "server.py"), "ADDR", dir, "hello"},
	}
	s, err := serving.Serve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answers(t, s.Addr)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob("/sys/fs/cgroup/memory/lambent-bench-*"); err != nil || len(left) > 0 {
		t.Errorf("left: %v (%v)", left, err)
	}
}
