package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"lambent.dev/lambent/bench/floor"
)

// Events that clocks start and stop at.
const (
	requestSent  = "the request's first byte is about to be sent"
	answerRead   = "the last byte of the answer has been read"
	aboutToSpawn = "the process is about to be spawned"
	reaped       = "it has ended and been reaped"
	firstOutput  = "its first byte of output has arrived, after all imports"
)

// Names of floors.
const (
	floorGo        = "Go program, bare"
	floorImports   = "python3 with the same imports"
	floorBootstrap = "python3 with the bootstrap"
	floorNode      = "node -e 0"
	floorFork      = "bare fork of a zygote"
	floorTrue      = "/bin/true"
)

const helloEvent = `{"name":"you"}`

// coldFloors are what cold starts are measured against: the first is the least of a Go
// function, and so on. everything adds what is not a floor of a target.
func (s *session) coldFloors(ctx context.Context, done *closers, everything bool) []contender {
	bootstrap := s.bootstrapFloor()
	bootstrap.slow = true
	all := []contender{s.goFloor(done), s.importsFloor(ctx), bootstrap, s.nodeFloor()}
	if !everything {
		return all
	}
	all = append(all, s.forkFloor(ctx, done), trueFloor())
	return append(all, s.containers()...)
}

func (s *session) goFloor(done *closers) contender {
	c := contender{row: Row{Name: floorGo, Start: aboutToSpawn, End: "the line of its first call for work has arrived"}}
	api, err := floor.NewRuntimeAPI()
	if err == nil {
		_, err = os.Stat(s.o.Helper)
	}
	if err != nil {
		c.take = never(err)
		return c
	}
	done.add(api.Close)
	c.take = timing(func() (floor.Timing, error) { return api.UntilFirstCall(s.o.Helper) })
	return c
}

// leave ends Python at once after its output: how it ends is not measured.
const leave = "; import os; os.write(1, b'x'); os._exit(0)"

func (s *session) pythonFloor(name, program string) contender {
	c := contender{row: Row{Name: name, Start: aboutToSpawn, End: firstOutput}, take: never(errNoInterpreter)}
	if s.o.Python.Path != "" {
		command := floor.Command{Args: []string{s.o.Python.Path, "-c", program + leave}, Env: os.Environ()}
		c.take = timing(command.UntilOutput)
	}
	return c
}

func (s *session) importsFloor(ctx context.Context) contender {
	modules, err := s.modules(ctx)
	if err != nil {
		return contender{row: Row{Name: floorImports}, take: never(err)}
	}
	return s.pythonFloor(floorImports, "import "+strings.Join(modules, ", "))
}

func (s *session) bootstrapFloor() contender {
	return s.pythonFloor(floorBootstrap, "import sys; sys.path.insert(0, "+pythonString(s.bootstrap)+"); from lambent_runtime import loop")
}

// pythonString writes a text as Python reads it: JSON's strings are Python's.
func pythonString(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		return "''" // a string always marshals
	}
	return string(quoted)
}

func (s *session) nodeFloor() contender {
	c := contender{row: Row{Name: floorNode, Start: aboutToSpawn, End: reaped}, take: never(errNoInterpreter)}
	if s.o.Node.Path != "" {
		command := floor.Command{Args: []string{s.o.Node.Path, "-e", "0"}, Env: os.Environ()}
		c.take = timing(command.UntilExit)
	}
	return c
}

func trueFloor() contender {
	command := floor.Command{Args: []string{"/bin/true"}, Env: os.Environ()}
	return contender{row: Row{Name: floorTrue, Start: aboutToSpawn, End: reaped}, take: timing(command.UntilExit)}
}

func (s *session) forkFloor(ctx context.Context, done *closers) contender {
	c := contender{row: Row{Name: floorFork, Start: "the request is about to be written to the zygote", End: "the child's answer has been read"}}
	z, err := s.zygote(ctx)
	if err != nil {
		c.take = never(err)
		return c
	}
	done.add(z.Close)
	c.take = timing(func() (floor.Timing, error) { return z.Fork(1, "hello", helloEvent) })
	return c
}

func (s *session) zygote(ctx context.Context) (*floor.Zygote, error) {
	modules, err := s.modules(ctx)
	if err != nil {
		return nil, err
	}
	return floor.StartZygote(s.o.Python.Path, s.scripts, modules)
}

// containers run the same function by the OCI runtimes of this host, seldom: they are slow.
func (s *session) containers() []contender {
	var all []contender
	for _, name := range []string{"runc", "crun"} {
		for _, i := range []struct {
			language string
			script   string
			Interpreter
		}{{"python", "once.py", s.o.Python}, {"node", "once.js", s.o.Node}} {
			all = append(all, s.container(name, i.language, i.script, i.Interpreter))
		}
	}
	return all
}

func (s *session) container(name, language, script string, i Interpreter) contender {
	c := contender{
		row:  Row{Name: name + ", " + language, Start: "the runtime is about to be spawned", End: "it has ended, and its output has been read"},
		turn: 1, every: 3,
	}
	r, err := s.runtime(name, "once-"+language, i, filepath.Join(s.scripts, script), s.scripts, "hello")
	if err != nil {
		c.take = never(err)
		return c
	}
	c.take = func(ctx context.Context) (sample, error) {
		before := time.Now().UnixMicro()
		t, out, err := r.Once(ctx, helloEvent)
		return sample{took: t.Took, notCold: !proves(out, before)}, err
	}
	return c
}

// proves says whether an answer's module was imported after a moment.
func proves(answer []byte, moment int64) bool {
	var a struct{ Born int64 }
	return json.Unmarshal(answer, &a) == nil && a.Born > moment
}

// runtime is an OCI runtime with a bundle that runs an interpreter with arguments.
func (s *session) runtime(name, bundle string, i Interpreter, args ...string) (*floor.Runtime, error) {
	program, err := lookOCI(name)
	if err != nil {
		return nil, err
	}
	return s.bundle(program, bundle, i, args...)
}

// bundle is one for the runtime at a path.
func (s *session) bundle(program, name string, i Interpreter, args ...string) (*floor.Runtime, error) {
	if i.Path == "" {
		return nil, errNoInterpreter
	}
	s.bundles++
	dir := filepath.Join(s.dir, fmt.Sprintf("%s-%s-%d", filepath.Base(program), name, s.bundles))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	show := []string{s.scripts}
	if !strings.HasPrefix(i.Path, "/usr/") {
		show = append(show, filepath.Dir(filepath.Dir(i.Path)))
	}
	return &floor.Runtime{Program: program, Dir: dir, Show: show, Args: append([]string{i.Path}, args...)}, nil
}

// lookOCI finds a runtime, also where Debian puts those for root.
func lookOCI(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath(filepath.Join("/usr/sbin", name))
	}
	if err != nil {
		return "", errors.New(name + " is not installed")
	}
	return path, nil
}
