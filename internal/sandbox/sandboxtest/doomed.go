package sandboxtest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

// Environment of a test process that plays a daemon which is killed.
const (
	doomedOwner = "SANDBOXTEST_DOOMED_OWNER"
	doomedDir   = "SANDBOXTEST_DOOMED_DIR"
	doomedCode  = "SANDBOXTEST_DOOMED_CODE"
)

const doomedReady = "the daemon is ready to die"

// killedDaemon has another process run boxes, kills it with SIGKILL, has a driver of a
// new owner reap, and looks at what is left.
func (s Suite) killedDaemon(t *testing.T, code string) {
	dead, next := newConfig(t), newConfig(t)
	next.Dir = dead.Dir
	before := Take(t, "")
	killDaemon(t, dead, code)
	ctx, cancel := context.WithTimeoutCause(t.Context(), opTimeout, errSlow)
	defer cancel()
	if err := s.New(t, next).Reap(ctx, func(owner string) bool { return owner != dead.Owner }); err != nil {
		t.Errorf("Reap: %v", err)
	}
	expectNoLeak(t, before)
}

// doomed says whether this process plays the daemon.
func doomed() bool { return os.Getenv(doomedOwner) != "" }

// killDaemon starts the same test in a process of its own and kills it when it is ready.
func killDaemon(t *testing.T, c Config, code string) {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	daemon := exec.Command(os.Args[0], "-test.run", "^"+name+"$", "-test.v")
	daemon.Env = append(os.Environ(), doomedOwner+"="+c.Owner, doomedDir+"="+c.Dir, doomedCode+"="+code,
		"TMPDIR="+t.TempDir()) // it cannot remove what it puts there
	out, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	said := waitForLine(bufio.NewScanner(out), doomedReady)
	_ = daemon.Process.Kill() // it may have failed and ended
	_ = daemon.Wait()         // killed
	if !strings.Contains(said, doomedReady) {
		t.Fatalf("the daemon did not get ready:\n%s", said)
	}
}

// waitForLine returns what was said up to a line, or all.
func waitForLine(lines *bufio.Scanner, line string) string {
	var said strings.Builder
	for lines.Scan() {
		fmt.Fprintln(&said, lines.Text())
		if strings.Contains(lines.Text(), line) {
			break
		}
	}
	return said.String()
}

// playDaemon runs boxes with all that a function may leave behind, until it is killed.
func (s Suite) playDaemon(t *testing.T) {
	config := newConfig(t)
	config.Owner, config.Dir = os.Getenv(doomedOwner), os.Getenv(doomedDir)
	config.Preload = preloads(os.Getenv(doomedCode))
	driver := s.New(t, config)
	r := &rig{
		T: t, suite: s, config: config, driver: driver, template: prepare(t, driver, s.base()),
		code: os.Getenv(doomedCode), boxes: new(atomic.Int64),
	}
	box := r.bound()
	r.beating(box, "leave")
	r.stream(box, "echo")
	r.speak(r.open(box))
	r.listen(box)
	r.generic()
	r.preloaded("wait")
	r.ranPreloaded(r.preloaded("wait"), "sleep")
	fmt.Println(doomedReady)
	<-after(opTimeout)
}
