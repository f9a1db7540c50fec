package sandboxtest

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

// bystander is what stands beside an attacked box: a neighbour's box with a function at work,
// a process of the host, and files by which a host is taken over. No attack may harm them.
type bystander struct {
	conn    net.Conn // to the neighbour's function
	answers *bufio.Reader
	process *exec.Cmd
	said    string            // by the neighbour, before any attack
	files   map[string]string // the host's, before any attack
}

// newBystander starts the neighbour and the process, which end with the arena's test.
func newBystander(a *arena) *bystander {
	a.Helper()
	here := a.of(a.T)
	box := here.bound(func(w *sandbox.Workload) { w.Env = append(w.Env, "PASSWORD="+here.secret) })
	here.output(box, "write", "/tmp/secret", "0", here.secret)
	here.stream(box, "witness", "/tmp/secret", "/var/task/code.txt")
	b := &bystander{conn: here.open(box), process: here.hostProcess(0, "sleep"), files: steering(here.T, here.code)}
	b.answers = bufio.NewReader(b.conn)
	var err error
	if b.said, err = b.ask(); err != nil {
		a.Fatalf("the neighbour does not answer: %v", err)
	}
	return b
}

// ask has the neighbour's function tell what it is and has, in one line.
func (b *bystander) ask() (string, error) {
	if err := b.conn.SetDeadline(time.Now().Add(opTimeout)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(b.conn, "who are you"); err != nil {
		return "", err
	}
	return b.answers.ReadString('\n')
}

// unharmed reports what an attack changed.
func (b *bystander) unharmed(t *testing.T) {
	t.Helper()
	if said, err := b.ask(); err != nil || said != b.said {
		t.Errorf("harm to the neighbour: it said %q (%v), and before %q", said, err, b.said)
	}
	if err := b.process.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("harm to the host: a process is gone: %v", err)
	}
	if now := steering(t, filepath.Dir(b.process.Path)); !maps.Equal(now, b.files) {
		t.Errorf("harm to the host: %v, and before %v", now, b.files)
	}
}

// steering reads what an escape writes to: programs that the kernel starts, and the
// function's code. No other test of this host changes them.
func steering(t testing.TB, code string) map[string]string {
	t.Helper()
	found := map[string]string{}
	names := []string{"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/poweroff_cmd", "/sys/kernel/uevent_helper", "/proc/sys/kernel/hotplug"}
	agents, _ := filepath.Glob("/sys/fs/cgroup/*/release_agent") // the pattern is good
	for _, name := range append(names, agents...) {
		if text, err := os.ReadFile(name); err == nil { // else this kernel has it not
			found[name] = string(text)
		}
	}
	entries, err := os.ReadDir(code)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		found[e.Name()] = fmt.Sprint(info.Mode(), info.Size(), info.ModTime())
	}
	return found
}
