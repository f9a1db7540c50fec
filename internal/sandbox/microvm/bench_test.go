package microvm_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/microvm"
)

// waitingPython waits for its workload and answers on its stream, with its function's module.
const waitingPython = `
import os, socket, sys
start = int(os.environ["LAMBENT_START"][3:])
def serve(stream, folder):
    sys.path.insert(0, folder)
    import app
    while data := stream.recv(100): stream.sendall(app.answer(data))
def rehearse():
    if os.fork() == 0:
        ours, theirs = socket.socketpair()
        ours.sendall(b"marco")
        ours.shutdown(socket.SHUT_WR)
        serve(theirs, "/var/runtime")
        os._exit(0)
    os.wait()
while told := os.read(start, 65536):
    if told == b"\0":
        rehearse()
        os.write(start, told)
serve(socket.socket(fileno=int(os.environ["LAMBENT_STREAM"][7:])), "/var/task")
`

// BenchmarkStart takes a start apart, beside a boot: what a guest costs before and until a Python
// function's first answer.
//
//	boot    a guest without a snapshot, until it is one
//	create  a guest goes on from the snapshot, for somebody who waits
//	stem    the same for nobody yet: it rehearses
//	cold    as first, in a guest that was not made ahead
//	first   a start where a guest is ready: bind, run, and answer, which has the import in it
//	warm    one more answer
func BenchmarkStart(b *testing.B) {
	spent := map[string]time.Duration{}
	step := func(name string, f func() error) {
		began := time.Now()
		if err := f(); err != nil {
			b.Fatal(name, err)
		}
		spent[name] += time.Since(began)
	}
	code := b.TempDir()
	if err := os.WriteFile(code+"/app.py", []byte("def answer(data): return data\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	command := sandbox.Command{Path: "/usr/bin/python3", Args: []string{"-I", "-S", "-B", "-c", waitingPython}, Stream: true, Direct: true}
	d, err := microvm.New(microvm.Options{
		Agent: agentBinary, Images: images(), Filter: filter(b), Owner: fmt.Sprintf("microvm-bench-%d", os.Getpid()), Dir: b.TempDir(),
		Preload: func(string) (sandbox.Preload, error) {
			return sandbox.Preload{Command: command, Copies: true, Rehearses: true, Mounts: []sandbox.Mount{{Source: code, Target: "/var/runtime"}}}, nil
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	require(b, d)
	base := sandbox.Base{Root: sandbox.RootHost, Tmp: 512 << 20, Network: sandbox.NetworkNone, Trust: "boot"}
	var plain, template sandbox.Template
	step("boot", func() (err error) { plain, err = d.Prepare(b.Context(), base); return err })
	base.Preload = "python"
	if template, err = d.Prepare(b.Context(), base); err != nil {
		b.Fatal(err)
	}
	w := sandbox.Workload{Name: "bench", Mounts: []sandbox.Mount{{Source: code, Target: "/var/task"}}, Memory: 128 << 20, Pids: 64}
	held := map[string]float64{}
	// A start in a guest that was made by whom waits, then one in a stem.
	for n := 0; b.Loop(); n++ {
		var box sandbox.Sandbox
		var conn io.ReadWriteCloser
		made, ahead := "create", n%2 == 1
		if ahead {
			made = "stem"
		}
		step(made, func() (err error) {
			id := fmt.Sprintf("bench-%d-%d", os.Getpid(), n)
			if ahead {
				box, err = template.(sandbox.Background).CreateInBackground(b.Context(), id)
			} else {
				box, err = template.Create(b.Context(), id)
			}
			return err
		})
		suffix := map[bool]string{true: "", false: "-cold"}[ahead]
		step("bind"+suffix, func() (err error) { return box.Bind(b.Context(), w) })
		step("run"+suffix, func() (err error) {
			heard := command
			heard.Stdout, heard.Stderr = os.Stderr, os.Stderr // one for both, or what waits cannot become it
			if _, err = box.Run(b.Context(), heard); err != nil {
				return err
			}
			conn, err = box.Open(b.Context())
			return err
		})
		step("answer"+suffix, func() error { return echo(conn) })
		step("warm", func() error { return echo(conn) })
		held[made+"-MB"] += pssOfChildren(b)
		step("close", func() error { return box.Close(context.Background()) })
	}
	spent["first"] = spent["bind"] + spent["run"] + spent["answer"]
	spent["cold"] = spent["bind-cold"] + spent["run-cold"] + spent["answer-cold"]
	for name, d := range spent {
		times := b.N / 2
		switch name {
		case "boot":
			times = 1
		case "warm", "close":
			times = b.N
		}
		b.ReportMetric(float64(d.Microseconds())/1000/float64(times), name+"-ms")
	}
	for name, mb := range held {
		b.ReportMetric(mb/float64(b.N/2), name)
	}
	for _, err := range []error{plain.Close(), template.Close(), d.Close()} {
		if err != nil {
			b.Fatal(err)
		}
	}
}

// pssOfChildren is the memory of this process's children in MB, with their share of what they
// share: of the one monitor that runs (proc_pid_smaps(5)).
func pssOfChildren(b *testing.B) (mb float64) {
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		b.Fatal(err)
	}
	for _, list := range lists {
		pids, err := os.ReadFile(list)
		if err != nil {
			continue // a thread ended
		}
		for _, pid := range strings.Fields(string(pids)) {
			text, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
			if err != nil {
				b.Fatal(err)
			}
			_, after, _ := strings.Cut(string(text), "\nPss:")
			var kb float64
			if _, err := fmt.Sscan(after, &kb); err != nil {
				b.Fatal(err)
			}
			mb += kb / 1000
		}
	}
	return mb
}

func echo(conn io.ReadWriter) error {
	if _, err := io.WriteString(conn, "marco"); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, make([]byte, len("marco")))
	return err
}
