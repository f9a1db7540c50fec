package microvm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/microvm"
)

// createdBox ends with the test.
func createdBox(t *testing.T, create func(context.Context, string) (sandbox.Sandbox, error)) sandbox.Sandbox {
	t.Helper()
	box, err := create(t.Context(), fmt.Sprintf("box-%d", time.Now().UnixNano()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := box.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return box
}

// counts waits as a runtime does and answers how often it rehearsed, and what its function is.
const counts = `
import os, socket, sys
start, played = int(os.environ["LAMBENT_START"][3:]), 0
while told := os.read(start, 65536):
    if told == b"\0":
        played += 1
        os.write(start, told)
sys.path.insert(0, "/var/task")
import app
stream = socket.socket(fileno=int(os.environ["LAMBENT_STREAM"][7:]))
stream.recv(5)
stream.sendall(b"%d %s" % (played, app.name))
`

// TestGuestThatIsAStemRehearses: what is made ahead has gone the way of a start once, and shows
// nothing of that; what somebody waits for has not.
func TestGuestThatIsAStemRehearses(t *testing.T) {
	code := t.TempDir()
	if err := errors.Join(os.Chmod(code, 0o755), os.WriteFile(filepath.Join(code, "app.py"), []byte("name = b'mine'\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	runtime := t.TempDir() // is behind the function's drive in the rehearsal
	if err := os.WriteFile(filepath.Join(runtime, "app.py"), []byte("name = b'rehearsed'\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	command := sandbox.Command{Path: "/usr/bin/python3", Args: []string{"-I", "-S", "-B", "-c", counts}, Stream: true, Direct: true}
	d, err := microvm.New(microvm.Options{
		Agent: agentBinary, Images: images(), Filter: filter(t), Owner: fmt.Sprintf("microvm-stem-%d", os.Getpid()), Dir: t.TempDir(), Cache: cache,
		Preload: func(string) (sandbox.Preload, error) {
			return sandbox.Preload{Command: command, Copies: true, Rehearses: true, Mounts: []sandbox.Mount{{Source: runtime, Target: "/var/runtime"}}}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	require(t, d)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	base := sandbox.Base{Root: sandbox.RootHost, Tmp: 64 << 20, Network: sandbox.NetworkNone, Preload: "python"}
	template := prepared(t, d, base)
	stem := template.(sandbox.Background).CreateInBackground
	want := map[string]string{"made ahead": "1 mine", "waited for": "0 mine"}
	if !d.Emulates() {
		want["made ahead"] = "0 mine" // a processor translates nothing
	}
	for name, create := range map[string]func(context.Context, string) (sandbox.Sandbox, error){"made ahead": stem, "waited for": template.Create} {
		box := createdBox(t, create)
		if got := firstAnswer(t, box, command, code); got != want[name] {
			t.Errorf("%s: answered %q, want %q", name, got, want[name])
		}
		if made := box.(sandbox.Machine).Made(); made.Emulated != d.Emulates() || !follow(made.Boot, made.Restore, made.Attach) {
			t.Errorf("%s: made %+v", name, made)
		}
	}
	if made := createdBox(t, prepared(t, d, base).Create).(sandbox.Machine).Made(); made.Boot != (sandbox.Span{}) {
		t.Errorf("a guest of a snapshot that was there: made %+v", made)
	}
	left := func(create func(context.Context, string) (sandbox.Sandbox, error)) string {
		box := createdBox(t, create)
		if err := box.Bind(t.Context(), sandbox.Workload{Name: "test", Memory: 128 << 20, Pids: 64}); err != nil {
			t.Fatal(err)
		}
		return output(t, box, "/bin/sh", "-c", "ls -A /var/task /tmp; cat /proc/mounts")
	}
	if ahead, fresh := left(stem), left(template.Create); ahead != fresh {
		t.Errorf("the rehearsal left\n%s\nwithout it there is\n%s", ahead, fresh)
	}
}

// follow says whether each of some spans took a while, and none began before the one before it ended.
func follow(spans ...sandbox.Span) bool {
	var last time.Time
	for _, s := range spans {
		if s.From.IsZero() || s.From.Before(last) || !s.To.After(s.From) {
			return false
		}
		last = s.To
	}
	return true
}

// firstAnswer binds, runs what waits and speaks to it.
func firstAnswer(t *testing.T, box sandbox.Sandbox, c sandbox.Command, code string) string {
	t.Helper()
	w := sandbox.Workload{Name: "test", Mounts: []sandbox.Mount{{Source: code, Target: "/var/task"}}, Memory: 128 << 20, Pids: 64}
	if err := box.Bind(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if _, err := box.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	conn, err := box.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "marco"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("%v; it printed %q", err, out.String())
	}
	return string(answer)
}
