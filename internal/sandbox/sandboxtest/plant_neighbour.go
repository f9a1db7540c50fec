package sandboxtest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
)

// neighbour runs a command in another box of the same template.
func (a *arena) neighbour(args ...string) {
	a.Helper()
	c := probe(args...)
	c.Env = []string{"PASSWORD=" + a.secret}
	a.start(a.bound(), c)
}

func plantNeighbour(a *arena) []string {
	a.neighbour("sleep", a.secret)
	return []string{"find-process", a.secret}
}

func plantNeighbourSecret(a *arena) []string {
	a.neighbour("sleep")
	return []string{"find-environ", a.secret}
}

// plantNeighbourTmp has the neighbour keep a secret in its /tmp; its pid is the host's.
func plantNeighbourTmp(a *arena) []string {
	box := a.bound()
	a.output(box, "write", "/tmp/secret", "0", a.secret)
	return []string{"read-file", fmt.Sprintf("/proc/%d/root/tmp/secret", a.neighbourPID(box))}
}

// neighbourPID starts a process in another box and returns its pid, as the host counts.
func (a *arena) neighbourPID(box sandbox.Sandbox) (pid int) {
	a.Helper()
	p := a.start(box, probe("catch-term", a.secret))
	a.waitFor(p, "ready")
	for _, p := range Take(a, "").processes() {
		if a.suite.OwnKernel || strings.Contains(p, a.secret) { // any that the host has for it
			if _, err := fmt.Sscan(p, &pid); err != nil {
				a.Fatal(err)
			}
			return pid
		}
	}
	a.Fatal("the host does not see the neighbour")
	return 0
}

// plantNeighbourPID names a neighbour's process to a command.
func plantNeighbourPID(command string, more ...any) func(*arena) []string {
	return func(a *arena) []string {
		args := []string{command, fmt.Sprint(a.neighbourPID(a.bound()))}
		for _, m := range more {
			args = append(args, fmt.Sprint(m))
		}
		return args
	}
}

// plantNeighbourShm has another box keep a secret in a segment that everybody may read.
func plantNeighbourShm(a *arena) []string {
	key := os.Getpid()<<8 | 2
	a.waitFor(a.start(a.bound(), probe("make-shm", fmt.Sprint(key), a.secret)), "here")
	a.Cleanup(func() {
		if id, err := unix.SysvShmGet(key, 0, 0); err == nil { // it is the host's without a namespace
			_, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil) // as above
		}
	})
	return []string{"shm", fmt.Sprint(key)}
}

func plantNeighbourFile(a *arena) []string {
	name := filepath.Join("/dev/shm", a.secret)
	a.output(a.bound(), "write", name, "0", a.secret)
	a.Cleanup(func() {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is the host's without private devices
			a.Error(err)
		}
	})
	return []string{"read-file", name}
}

// plantNeighbourListener has another box tell a secret to who connects; "" is an abstract
// name of its own.
func plantNeighbourListener(network, addr string) func(*arena) []string {
	return func(a *arena) []string {
		if addr == "" {
			addr = "@" + a.secret
		}
		p := a.start(a.bound(), probe("tell", network, addr, a.secret))
		a.waitFor(p, "\n")
		var at string
		if err := json.Unmarshal([]byte(p.stdout.String()), &at); err != nil {
			a.Fatalf("the neighbour printed %q", p.stdout)
		}
		return []string{"connect", network, at}
	}
}

// charge is how much more than before an attack counts as the host's.
const charge = 1000

// chargeRounds: what else goes on on the host may use and give back signals, too, but not in
// step with the box each time.
const chargeRounds = 3

// plantCharge has the box hold signals or timers and give them back, and notes whether the
// host paid each time.
func plantCharge(what string) func(*arena) []string {
	return func(a *arena) []string {
		a.charged = true
		for range chargeRounds {
			before := pending(a)
			p := a.start(a.box, probe("hold-"+what, fmt.Sprint(charge*3/2)))
			a.waitFor(p, "here")
			held := pending(a)
			if err := p.Signal(os.Kill); err != nil {
				a.Fatal(err)
			}
			a.exit(p)
			a.charged = a.charged && held-before >= charge && a.falls(held-charge)
		}
		return []string{"kill", "0", "0"}
	}
}

// falls says whether the host soon has no more than so many signals waiting.
func (a *arena) falls(to int) bool {
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if pending(a) <= to {
			return true
		}
	}
	return false
}

func hostWasCharged(a *arena, _ Outcome) bool { return a.charged }

// pending is how many signals and timers the host's root has waiting (proc_pid_status(5), SigQ).
func pending(a *arena) (n int) {
	a.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		a.Fatal(err)
	}
	_, line, _ := strings.Cut(string(text), "\nSigQ:")
	if _, err := fmt.Sscanf(strings.TrimSpace(line), "%d/", &n); err != nil {
		a.Fatalf("SigQ: %v", err)
	}
	return n
}

// answerIs judges by what a plant found.
func answerIs(harmed string) func(*arena, Outcome) bool {
	return func(a *arena, _ Outcome) bool { return a.answer == harmed }
}

// plantFlood has the box fill its stream channel, then opens a stream over it.
func plantFlood(a *arena) []string {
	p := a.stream(a.box, "flood-channel")
	a.waitFor(p, "here")
	if err := a.speaks(a.box); err != nil {
		a.Logf("speaking over the flooded channel: %v", err)
		a.answer = "harmed"
	}
	return []string{"kill", "0", "0"}
}

// speaks says something that the box's echo must answer, over a new stream.
func (a *arena) speaks(box sandbox.Sandbox) error {
	conn, err := box.Open(a.ctx())
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(opTimeout)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "marco\n"); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, len("marco\n")))
	return err
}

// plantSender has the box send descriptors of its own over a stream, which the host reads.
func plantSender(a *arena) []string {
	before := Take(a, "").texts(descriptorKind)
	a.stream(a.box, "send-descriptors")
	conn := a.open(a.box)
	if err := conn.SetDeadline(time.Now().Add(opTimeout)); err != nil {
		a.Fatal(err)
	}
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		a.Fatalf("the box did not speak: %v", err)
	}
	if after := Take(a, "").texts(descriptorKind); len(after) > len(before)+8 { // its stream and pipes
		a.answer = "harmed"
	}
	return []string{"kill", "0", "0"}
}
