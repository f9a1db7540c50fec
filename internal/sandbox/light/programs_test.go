package light_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
)

// goProgram is what a static Go function does: goroutines, files, network, children.
const goProgram = `package main

import ("fmt"; "io"; "net/http"; "net/http/httptest"; "os"; "os/exec"; "runtime")

func main() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "served") }))
	r, err := http.Get(s.URL)
	if err != nil { panic(err) }
	body, _ := io.ReadAll(r.Body)
	if err := os.WriteFile("/tmp/go", body, 0o600); err != nil { panic(err) }
	out, err := exec.Command("/bin/cat", "/tmp/go").Output()
	if err != nil { panic(err) }
	runtime.GC()
	fmt.Println(string(out))
}`

const pythonProgram = `
import json, ssl, sqlite3, subprocess, threading, tempfile, socket, asyncio, multiprocessing.dummy, ctypes, zlib, decimal
assert subprocess.check_output(["echo", "x"]) == b"x\n"
t = threading.Thread(target=lambda: None); t.start(); t.join()
with tempfile.NamedTemporaryFile() as f: f.write(b"x")
sqlite3.connect("/tmp/db").execute("create table t (a)")
async def main():
    p = await asyncio.create_subprocess_exec("true")
    return await p.wait()
asyncio.run(main())
import multiprocessing
multiprocessing.Lock()
socket.getaddrinfo("localhost", 80)
ssl.create_default_context()
print("served")
`

const nodeProgram = `
const fs = require('fs'), cp = require('child_process'), http = require('http'), w = require('worker_threads'), os = require('os');
fs.writeFileSync('/tmp/n', 'x'); cp.execSync('true'); os.cpus(); os.networkInterfaces();
new w.Worker('1', {eval: true}).on('exit', () => {
  const s = http.createServer((q, r) => r.end('served')).listen(0, '127.0.0.1', () =>
    http.get({port: s.address().port, host: '127.0.0.1'}, r => { r.pipe(process.stdout); s.close(); }));
});
`

// TestProgramsWorkUnderTheFilter runs what functions are written in.
func TestProgramsWorkUnderTheFilter(t *testing.T) {
	code := t.TempDir()
	buildGo(t, filepath.Join(code, "bootstrap"))
	w := workload()
	w.Memory = 512 << 20
	w.Mounts = []sandbox.Mount{{Source: code, Target: "/var/task"}}
	s := newBox(t, w)
	for _, c := range []sandbox.Command{
		{Path: "/bin/sh", Args: []string{"-c", "for i in 1 2; do echo served | cat; done | sort -u > /tmp/sh; cat /tmp/sh"}},
		{Path: "/var/task/bootstrap"},
		{Path: "/usr/bin/python3", Args: []string{"-c", pythonProgram}},
		{Path: "/usr/bin/node", Args: []string{"-e", nodeProgram}},
	} {
		t.Run(filepath.Base(c.Path), func(t *testing.T) {
			if _, err := os.Stat(c.Path); err != nil && !strings.HasPrefix(c.Path, "/var/task") {
				t.Skip(err)
			}
			if r := run(t, s, c); strings.TrimSpace(r.out) != "served" || r.exit != (sandbox.Exit{}) {
				t.Errorf("%+v: %s", r.exit, r.out)
			}
		})
	}
}

func buildGo(t testing.TB, binary string) {
	t.Helper()
	source := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(source, []byte(goProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", binary, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(filepath.Dir(binary), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestForbiddenCallsAnswer(t *testing.T) {
	s := newBox(t, workload())
	const script = `
import ctypes, os
l = ctypes.CDLL(None, use_errno=True)
def call(n, *a):
    ctypes.set_errno(0); r = l.syscall(n, *a); return ctypes.get_errno() if r < 0 else 0
print(call(272, 0x10000000), call(165, 0, 0, 0, 0, 0), call(101, 0, 0, 0, 0), call(435, 0, 0), call(321, 0, 0, 0),
      call(56, 0x10000000, 0, 0, 0, 0), call(41, 38, 5, 0), call(41, 17, 3, 0), call(0x40000000 + 39))
`
	// unshare, mount, ptrace, clone3, bpf, clone(NEWUSER), AF_ALG, AF_PACKET, x32's getpid.
	r := run(t, s, sandbox.Command{Path: "/usr/bin/python3", Args: []string{"-c", script}})
	if want := "1 1 1 38 1 1 1 1 38\n"; r.out != want {
		t.Errorf("errno of the calls: %q, want %q", r.out, want)
	}
}
