package microvm_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/microvm"
)

// waitingPython waits for its workload and answers on its stream, with its function's module.
const waitingPython = `
import os, socket, sys
start = int(os.environ["LAMBENT_START"][3:])
while os.read(start, 65536): pass
sys.path.insert(0, "/var/task")
import app
stream = socket.socket(fileno=int(os.environ["LAMBENT_STREAM"][7:]))
while data := stream.recv(100): stream.sendall(app.answer(data))
`

// BenchmarkStart takes a start apart, beside a boot: what a guest costs before and until a Python
// function's first answer.
//
//	boot    a guest without a snapshot, until it is one
//	create  a guest goes on from the snapshot
//	first   bind, run and the first answer: a start where a guest is ready
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
		Preload: func(string) (sandbox.Preload, error) { return sandbox.Preload{Command: command, Copies: true}, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := d.Probe(b.Context()); err != nil {
		b.Skip(err)
	}
	base := sandbox.Base{Root: sandbox.RootHost, Tmp: 512 << 20, Network: sandbox.NetworkNone, Trust: "boot"}
	var plain, template sandbox.Template
	step("boot", func() (err error) { plain, err = d.Prepare(b.Context(), base); return err })
	base.Preload = "python"
	if template, err = d.Prepare(b.Context(), base); err != nil {
		b.Fatal(err)
	}
	w := sandbox.Workload{Name: "bench", Mounts: []sandbox.Mount{{Source: code, Target: "/var/task"}}, Memory: 128 << 20, Pids: 64}
	for n := 0; b.Loop(); n++ {
		var box sandbox.Sandbox
		var conn io.ReadWriteCloser
		step("create", func() (err error) {
			box, err = template.Create(b.Context(), fmt.Sprintf("bench-%d-%d", os.Getpid(), n))
			return err
		})
		step("first", func() (err error) {
			if err := box.Bind(b.Context(), w); err != nil {
				return err
			}
			heard := command
			heard.Stdout, heard.Stderr = os.Stderr, os.Stderr // one for both, or what waits cannot become it
			if _, err = box.Run(b.Context(), heard); err != nil {
				return err
			}
			if conn, err = box.Open(b.Context()); err != nil {
				return err
			}
			return echo(conn)
		})
		step("warm", func() error { return echo(conn) })
		step("close", func() error { return box.Close(context.Background()) })
	}
	for name, d := range spent {
		times := b.N
		if name == "boot" {
			times = 1
		}
		b.ReportMetric(float64(d.Microseconds())/1000/float64(times), name+"-ms")
	}
	for _, err := range []error{plain.Close(), template.Close(), d.Close()} {
		if err != nil {
			b.Fatal(err)
		}
	}
}

func echo(conn io.ReadWriter) error {
	if _, err := io.WriteString(conn, "marco"); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, make([]byte, len("marco")))
	return err
}
