package sandboxtest

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"lambent.dev/lambent/internal/sandbox"
)

func runFacts() []fact {
	facts := []fact{
		{name: "SignalEndsIt", test: signalEndsIt},
		{name: "SignalIsCaught", test: signalIsCaught},
		{name: "SignalAfterTheEnd", test: signalAfterTheEnd},
		{name: "ExitIsZeroBeforeTheEnd", test: exitIsZeroBeforeTheEnd},
		{name: "MissingProgram", test: missingProgram},
		{name: "ProgramThatCannotRun", test: programThatCannotRun},
		{name: "RelativeProgram", test: relativeProgram},
		{name: "MissingDir", test: missingDir},
		{name: "ArgsArriveAsTheyAre", test: argsArrive},
		{name: "DirIsHonoured", test: dirIsHonoured},
		{name: "DirDefaultsToRoot", test: dirDefaultsToRoot},
		{name: "EnvOfWorkloadThenCommand", test: envOfWorkloadThenCommand},
		{name: "EnvOfTheDaemonIsHidden", test: envOfTheDaemonIsHidden},
		{name: "StdinIsEmpty", test: stdinIsEmpty},
		{name: "ThreeDescriptors", test: threeDescriptors},
		{name: "StreamIsTheFourthDescriptor", test: streamIsTheFourthDescriptor},
		{name: "TwoCommandsAtOnce", test: twoCommandsAtOnce},
		{name: "RunEndsWithContext", test: runEndsWithContext},
		{name: "RunOutlivesItsContext", test: runOutlivesItsContext},
	}
	for _, code := range []int{0, 1, 7, 255} {
		facts = append(facts, fact{name: fmt.Sprintf("ExitCode%d", code), test: exitCode(code)})
	}
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGUSR1} {
		facts = append(facts, fact{name: fmt.Sprintf("ExitSignal%d", int(sig)), test: exitSignal(sig)})
	}
	return facts
}

func exitCode(code int) func(*rig) {
	return func(r *rig) {
		want := sandbox.Exit{Code: code}
		if e := r.exit(r.start(r.bound(), probe("exit", fmt.Sprint(code)))); e != want {
			r.Errorf("exit = %+v, want %+v", e, want)
		}
	}
}

// exitSignal uses a shell: Go's runtime turns some signals into exit codes.
func exitSignal(sig syscall.Signal) func(*rig) {
	return func(r *rig) {
		c := sandbox.Command{Path: "/bin/sh", Args: []string{"-c", fmt.Sprintf("kill -%d $$", int(sig))}}
		want := sandbox.Exit{Signal: sig}
		if e := r.exit(r.start(r.bound(), c)); e != want {
			r.Errorf("exit = %+v, want %+v", e, want)
		}
	}
}

func signalEndsIt(r *rig) {
	p := r.start(r.bound(), probe("sleep"))
	if err := p.Signal(syscall.SIGKILL); err != nil {
		r.Fatalf("Signal: %v", err)
	}
	if e := r.exit(p); !killed(e) || e.OutOfMemory {
		r.Errorf("exit = %+v, want SIGKILL", e)
	}
}

func signalIsCaught(r *rig) {
	p := r.start(r.bound(), probe("catch-term"))
	r.waitFor(p, "ready")
	if err := p.Signal(syscall.SIGTERM); err != nil {
		r.Fatalf("Signal: %v", err)
	}
	if e := r.exit(p); e != (sandbox.Exit{Code: 7}) {
		r.Errorf("exit = %+v, want code 7 of its handler", e)
	}
}

func signalAfterTheEnd(r *rig) {
	p := r.start(r.bound(), probe("exit", "0"))
	r.exit(p)
	r.want("Signal after the end", p.Signal(syscall.SIGTERM), os.ErrProcessDone)
}

func exitIsZeroBeforeTheEnd(r *rig) {
	p := r.start(r.bound(), probe("sleep"))
	select {
	case <-p.Done():
		r.Errorf("a sleeping process is done: %+v", p.Exit())
	default:
	}
}

func missingProgram(r *rig) {
	_, err := r.bound().Run(r.ctx(), sandbox.Command{Path: "/var/task/missing"})
	r.want("running what is not there", err, os.ErrNotExist)
}

func programThatCannotRun(r *rig) {
	if _, err := r.bound().Run(r.ctx(), sandbox.Command{Path: "/var/task/code.txt"}); err == nil {
		r.Error("Run started a text")
	}
}

func relativeProgram(r *rig) {
	if _, err := r.bound().Run(r.ctx(), sandbox.Command{Path: "probe", Args: []string{"exit", "0"}, Dir: "/var/task"}); err == nil {
		r.Error("Run took a relative path")
	}
}

func missingDir(r *rig) {
	c := probe("exit", "0")
	c.Dir = "/var/task/missing"
	if _, err := r.bound().Run(r.ctx(), c); err == nil {
		r.Error("Run took a folder that does not exist")
	}
}

func argsArrive(r *rig) {
	want := []string{"", "two words", "$HOME", `"quoted" 'twice'`, "*", "line\nbreak", "ünïcode", "-x"}
	if got := printed[[]string](r, r.bound(), append([]string{"args"}, want...)...); !slices.Equal(got, want) {
		r.Errorf("args = %q, want %q", got, want)
	}
}

func dirIsHonoured(r *rig) {
	c := sandbox.Command{Path: "/bin/cat", Args: []string{"code.txt"}, Dir: "/var/task"}
	p := r.start(r.bound(), c)
	if r.exit(p); p.stdout.String() != "the code" {
		r.Errorf("printed %q, %q", p.stdout, p.stderr)
	}
}

func dirDefaultsToRoot(r *rig) {
	if got := printed[string](r, r.bound(), "cwd"); got != "/" {
		r.Errorf("working folder = %q, want /", got)
	}
}

func envOfWorkloadThenCommand(r *rig) {
	box := r.bound(func(w *sandbox.Workload) { w.Env = []string{"A=workload", "B=workload"} })
	c := probe("env")
	c.Env = []string{"B=command", "C=with=signs and blanks"}
	p := r.start(box, c)
	r.exit(p)
	var env []string
	if err := json.Unmarshal([]byte(p.stdout.String()), &env); err != nil {
		r.Fatalf("printed %q: %v", p.stdout, err)
	}
	for _, want := range []string{"A=workload", "B=command", "C=with=signs and blanks"} {
		if !has(env, want) {
			r.Errorf("no %q in %q", want, env)
		}
	}
	if has(env, "B=workload") {
		r.Error("the workload's value is there, too")
	}
}

func envOfTheDaemonIsHidden(r *rig) {
	r.Setenv("DAEMON_SECRET", "x")
	for _, kv := range printed[[]string](r, r.bound(), "env") {
		name, _, _ := strings.Cut(kv, "=")
		allowed := has([]string{"PATH", "ORIGIN", "TMPDIR"}, name) || strings.HasPrefix(name, "LAMBENT_")
		if !allowed {
			r.Errorf("a command sees %q", kv)
		}
	}
}

func stdinIsEmpty(r *rig) {
	if n := printed[int](r, r.bound(), "stdin"); n != 0 {
		r.Errorf("stdin has %d bytes", n)
	}
}

func threeDescriptors(r *rig) {
	if fds := printed[[]int](r, r.bound(), "fds"); !slices.Equal(fds, []int{0, 1, 2}) {
		r.Errorf("descriptors = %v, want 0, 1, 2", fds)
	}
}

func streamIsTheFourthDescriptor(r *rig) {
	p := r.stream(r.bound(), "fds")
	r.exit(p)
	var fds []int
	if err := json.Unmarshal([]byte(p.stdout.String()), &fds); err != nil || len(fds) != 4 {
		r.Errorf("descriptors = %s, want 0, 1, 2 and the channel", p.stdout)
	}
}

func twoCommandsAtOnce(r *rig) {
	box := r.bound()
	one, two := r.start(box, probe("catch-term")), r.start(box, probe("catch-term"))
	r.waitFor(one, "ready")
	r.waitFor(two, "ready")
	if err := one.Signal(syscall.SIGTERM); err != nil {
		r.Fatalf("Signal: %v", err)
	}
	r.exit(one)
	select {
	case <-two.Done():
		r.Errorf("a signal to one command ended the other: %+v", two.Exit())
	default:
	}
}

// runEndsWithContext: nothing that was cut short may run on.
func runEndsWithContext(r *rig) {
	box := r.bound()
	_, err := box.Run(r.cancelled(), probe("beat", "/tmp/beat"))
	r.want("Run with a cancelled context", err, errCaller)
	r.output(box, "nap", "30")
	if o := r.attempt(box, "read-file", "/tmp/beat"); o.OK {
		r.Error("a command that was cut short runs")
	}
}

// runOutlivesItsContext: a context bounds the call, not the process.
func runOutlivesItsContext(r *rig) {
	ctx, cancel := withCause(r.ctx())
	p, err := r.bound().Run(ctx, probe("sleep"))
	if err != nil {
		r.Fatalf("Run: %v", err)
	}
	cancel(errCaller)
	select {
	case <-p.Done():
		r.Errorf("the process ended with the context of Run: %+v", p.Exit())
	case <-after(shortWhile):
	}
}
