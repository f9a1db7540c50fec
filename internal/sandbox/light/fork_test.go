package light_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
)

// numbersOf are all random numbers that a program of a language comes by.
var numbersOf = map[string]string{
	"python": `
import os, random, secrets, ssl, tempfile, uuid
from multiprocessing import current_process
def result():
    return {
        "random": random.random(), "random.choices": "".join(random.choices("abcdefgh", k=16)), "random.Random": random.Random().random(),
        "SystemRandom": random.SystemRandom().random(), "secrets": secrets.token_hex(), "uuid1": str(uuid.uuid1()), "uuid4": str(uuid.uuid4()),
        "urandom": os.urandom(16).hex(), "RAND_bytes": ssl.RAND_bytes(16).hex(), "mktemp": tempfile.mktemp(),
        "authkey": bytes(current_process().authkey).hex(),
    }
`,
	"nodejs": `
const c = require('crypto');
return {random: Math.random(), randomBytes: c.randomBytes(16).toString('hex'), randomInt: c.randomInt(2 ** 40),
  randomUUID: c.randomUUID ? c.randomUUID() : String(c.randomInt(2 ** 40)), scrypt: c.generateKeyPairSync('ec', {namedCurve: 'P-256'}).publicKey.export({type: 'spki', format: 'pem'}),
  web: c.webcrypto ? Buffer.from(c.webcrypto.getRandomValues(new Uint8Array(16))).toString('hex') : String(c.randomInt(2 ** 40))};
`,
}

// TestInterpretersThatWaitedShareNoRandomNumbers also within one interpreter: each is
// asked twice.
func TestInterpretersThatWaitedShareNoRandomNumbers(t *testing.T) {
	s := newStation(t)
	for _, language := range []string{"python", "nodejs"} {
		for _, runtime := range s.allRuntimes(language) {
			t.Run(runtime, func(t *testing.T) { s.drawNumbers(t, runtime, numbersOf[language]) })
		}
	}
}

func (s *station) drawNumbers(t *testing.T, runtime, program string) {
	seen := map[string]map[any]bool{}
	for range 3 {
		i := s.serve(t, runtime, true, code{})
		for draw := range 2 {
			var drawn map[string]any
			i.evaluate(&drawn, program)
			for source, value := range drawn {
				if seen[source] == nil {
					seen[source] = map[any]bool{}
				}
				if seen[source][value] && !(source == "authkey" && draw > 0) { // of a process
					t.Errorf("%s gave %v twice", source, value)
				}
				seen[source][value] = true
			}
		}
	}
	if len(seen) < 6 {
		t.Errorf("only %d sources", len(seen))
	}
}

// cloneParent has the zygote get children that it did not fork: they end at once.
const cloneParent = `
import ctypes, os, platform, signal, time
CLONE_PARENT = 0x8000
number = {"x86_64": 56, "aarch64": 220}[platform.machine()]
def result():
    libc = ctypes.CDLL(None)
    for _ in range(20):
        if libc.syscall(number, CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0) == 0:
            os._exit(3)
    time.sleep(0.1)
    return True
`

const alive = "def result():\n    return True\n"

// TestFunctionCannotHarmItsZygote by children that the zygote does not know.
func TestFunctionCannotHarmItsZygote(t *testing.T) {
	s := newStation(t)
	runtime := s.runtimes("python")[0]
	attacker, neighbour := s.serve(t, runtime, true, code{}), s.serve(t, runtime, true, code{})
	var done bool
	attacker.evaluate(&done, cloneParent)
	neighbour.evaluate(&done, alive)
	attacker.evaluate(&done, alive)
	if text := s.said.String(); text != "" {
		t.Errorf("the driver said %s", text)
	}
}

// zygotes are the pids of processes of this test's that run a zygote and nothing else.
func zygotes(t testing.TB) (pids []int) {
	t.Helper()
	groups, err := filepath.Glob("/sys/fs/cgroup/*/lambent/test-" + id(t) + "/zygote-*/cgroup.procs")
	if err != nil {
		t.Fatal(err)
	}
	v2, _ := filepath.Glob("/sys/fs/cgroup/lambent/test-" + id(t) + "/zygote-*/cgroup.procs")
	seen := map[int]bool{}
	for _, name := range append(groups, v2...) {
		text, _ := os.ReadFile(name) // it may have ended
		for field := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(field)
			if err == nil && !seen[pid] { // each hierarchy names it
				seen[pid] = true
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// TestKilledZygote: what it forked ends, and is told so; what the init executed goes on;
// another comes.
func TestKilledZygote(t *testing.T) {
	s := newStation(t)
	runtime := s.runtimes("python")[0]
	forked := s.serve(t, runtime, true, code{})
	executed := s.serve(t, runtime, true, code{}).executed()
	template := s.template(preloading(runtime))
	idle := createNamed(t, template)
	time.Sleep(50 * time.Millisecond)
	before := zygotes(t)
	if len(before) != 1 {
		t.Fatalf("%d zygotes: %v", len(before), before)
	}
	if err := unix.Kill(before[0], unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-forked.process.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("what it forked did not end")
	}
	if e := forked.process.Exit(); e.Signal != syscall.SIGKILL || e.OutOfMemory {
		t.Errorf("exit = %+v", e)
	}
	var done bool
	executed.evaluate(&done, alive)
	s.adoptAfterDeath(t, idle, runtime)
	forked.executed().evaluate(&done, alive)
	waitFor(t, template.(sandbox.Forker).Forks) // asks for another
	if now := zygotes(t); len(now) != 1 || now[0] == before[0] {
		t.Errorf("zygotes: %v, before %v", now, before)
	}
	if !forkedBy(t, s.serve(t, runtime, true, code{})) {
		t.Error("nothing was forked from the new zygote")
	}
}

func preloading(runtime string) sandbox.Base {
	b := base()
	b.Preload = runtime
	return b
}

// adoptAfterDeath: a box whose interpreter died waiting executes another.
func (s *station) adoptAfterDeath(t *testing.T, box sandbox.Sandbox, runtime string) {
	t.Helper()
	i := s.into(t, box, runtime, code{})
	i.ready()
	var done bool
	i.evaluate(&done, alive)
	if forkedBy(t, i) {
		t.Error("what was adopted had died")
	}
}

// forkedBy says whether an interpreter came from a zygote: its parent is none of its box.
func forkedBy(t testing.TB, i *interpreter) bool {
	t.Helper()
	var parent int
	i.evaluate(&parent, "import os\ndef result():\n    return os.getppid()\n")
	return parent == 0
}
