package microvm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
)

// A Python function runs on a kernel that is not the host's.
func TestPythonRunsInAGuest(t *testing.T) {
	code := t.TempDir()
	const text = "import os, app2\nprint(os.uname().release, app2.answer, os.getuid(), sorted(os.listdir('/var/task')))\n"
	for name, content := range map[string]string{"app.py": text, "app2.py": "answer = 6 * 7\n"} {
		if err := os.WriteFile(filepath.Join(code, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(code, 0o755); err != nil {
		t.Fatal(err)
	}
	box := newBox(t, sandbox.Mount{Source: code, Target: "/var/task"})
	said := output(t, box, "/usr/bin/python3", "/var/task/app.py")
	if !strings.Contains(said, "-cloud-") || !strings.HasSuffix(said, " 42 993 ['app.py', 'app2.py']\n") {
		t.Errorf("printed %q", said)
	}
}

// Where the host has Debian's Node, guests have it.
func TestNodeRunsInAGuest(t *testing.T) {
	if _, err := os.Stat("/usr/share/doc/nodejs"); err != nil {
		t.Skip("Debian's package nodejs is not here, so it is not in the base")
	}
	box := newBox(t)
	said := output(t, box, "/usr/bin/node", "-e", "console.log(require('os').release(), JSON.stringify({answer: 6 * 7}), process.getuid())")
	if !strings.Contains(said, "-cloud-") || !strings.HasSuffix(said, ` {"answer":42} 993`+"\n") {
		t.Errorf("printed %q", said)
	}
}
