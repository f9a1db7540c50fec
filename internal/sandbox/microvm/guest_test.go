package microvm_test

import (
	"fmt"
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

// A function in a guest can tell who it speaks to by TLS: Python finds the authorities' certificates.
func TestGuestHasCertificates(t *testing.T) {
	if found, err := filepath.Glob("/usr/share/ca-certificates/mozilla/*.crt"); len(found) == 0 {
		t.Skipf("Debian's package ca-certificates is not here, so it is not in the base: %v", err)
	}
	const count = "import ssl; print(ssl.create_default_context().cert_store_stats()['x509_ca'] > 50)"
	if said := output(t, newBox(t), "/usr/bin/python3", "-c", count); said != "True\n" {
		t.Errorf("printed %q", said)
	}
}

// A guest has its whole class for commands, and some: what its kernel takes from all of them when
// the machine has too little is a crawl of minutes where the limit of commands would have ended them.
func TestGuestHasItsClassForCommands(t *testing.T) {
	const margin = 12 << 10 // KiB: page tables, and what the kernel keeps free
	classes := []int{128}
	if os.Getenv("SOAK_GUESTS") != "" { // each boots a guest
		classes = append(classes, 512, 3008, 10240)
	}
	d := newDriver(t)
	for _, class := range classes {
		template := prepared(t, d, sandbox.Base{Root: sandbox.RootHost, Memory: class, Tmp: 64 << 20, Network: sandbox.NetworkNone})
		info := output(t, boundBox(t, template, sandbox.Workload{}), "/bin/cat", "/proc/meminfo")
		_, after, _ := strings.Cut(info, "MemAvailable:")
		var available int
		if _, err := fmt.Sscan(after, &available); err != nil {
			t.Fatalf("%v: %s", err, info)
		}
		if available < class<<10+margin {
			t.Errorf("of %d MiB, commands could have %d KiB:\n%s", class, available, info)
		}
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
