package workloads

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// run calls a workload's handler in its interpreter, outside of any server.
func run(t *testing.T, l Language, name, event string) (born int64, result string) {
	t.Helper()
	dir := t.TempDir()
	if err := Write(l, dir); err != nil {
		t.Fatal(err)
	}
	return runIn(t, dir, l, name, event)
}

func runIn(t *testing.T, dir string, l Language, name, event string) (born int64, result string) {
	t.Helper()
	cmd := exec.Command("python3", "-c", "import json,sys,importlib as i; m=i.import_module(sys.argv[1]); print(json.dumps(m.handler(json.loads(sys.argv[2]),None)))", name, event)
	if l == Node {
		cmd = exec.Command("node", "-e", "require('./'+process.argv[1]).handler(JSON.parse(process.argv[2])).then((a)=>console.log(JSON.stringify(a)))", name, event)
	}
	if cmd.Err != nil {
		t.Skipf("this host lacks %s", cmd.Args[0])
	}
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", l, name, err, out)
	}
	var a struct {
		Born   int64
		Result any
	}
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(a.Result)
	if err != nil {
		t.Fatal(err)
	}
	return a.Born, string(text)
}

// The languages do the same work only if they come to the same result.
func TestLanguagesAgree(t *testing.T) {
	for _, w := range All() {
		before := time.Now().UnixMicro()
		born, python := run(t, Python, w.Name, w.Event)
		if born < before || born > time.Now().UnixMicro() {
			t.Errorf("%s: born at %d, which is not between the call %d and its answer", w.Name, born, before)
		}
		before = time.Now().UnixMicro()
		born, node := run(t, Node, w.Name, w.Event)
		if born < before || born > time.Now().UnixMicro() {
			t.Errorf("%s in Node: born at %d, which is not between the call %d and its answer", w.Name, born, before)
		}
		if python != node || python == "" || python == "null" {
			t.Errorf("%s: Python answers %.200s, Node %.200s", w.Name, python, node)
		}
	}
}

// Source: FIPS 197, appendix C.1.
func TestAESIsAES(t *testing.T) {
	for _, l := range []Language{Python, Node} {
		if _, got := run(t, l, "aes", `{"block":"00112233445566778899aabbccddeeff"}`); got != `"69c4e0d86a7b0430d8cdb78070b4c55a"` {
			t.Errorf("%s: %s", l, got)
		}
	}
}

func TestUnknownWorkload(t *testing.T) {
	if _, err := Package(Python, "nothing"); err == nil {
		t.Error("a package of nothing")
	}
}

// A package that is made to prove itself still answers as before.
func TestProve(t *testing.T) {
	for _, tc := range []struct {
		l       Language
		runtime string
	}{{Python, "python3.11"}, {Node, "nodejs20.x"}} {
		packed, err := Package(tc.l, "hello")
		if err != nil {
			t.Fatal(err)
		}
		out, handler, proves, err := Prove(packed, tc.runtime, "hello.handler")
		if err != nil || !proves || handler != "lambent_bench.handler" {
			t.Fatalf("%s, %v, %v", handler, proves, err)
		}
		dir := unzip(t, out)
		before := time.Now().UnixMicro()
		born, result := runIn(t, dir, tc.l, "lambent_bench", `{"name":"you"}`)
		if born < before || !strings.Contains(result, "Hello, you!") {
			t.Errorf("%s: born %d µs after the call, %s", tc.l, born-before, result)
		}
	}
	packed, handler, proves, err := Prove([]byte("zip"), "provided.al2023", "bootstrap")
	if string(packed) != "zip" || handler != "bootstrap" || proves || err != nil {
		t.Errorf("a compiled program: %s, %v, %v", handler, proves, err)
	}
}

func unzip(t *testing.T, packed []byte) string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, r); err != nil {
		t.Fatal(err)
	}
	return dir
}
