package instance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimeapi"
	"lambent.dev/lambent/internal/sandbox"
)

// Types of errors that the environment gives its function. Source: AWS's recordings
// and the runtime interface emulator, package fatalerror.
const (
	typeTimeout           = "Sandbox.Timedout"
	typeExit              = "Runtime.ExitError"
	typeOutOfMemory       = "Runtime.OutOfMemory"
	typeInvalidEntrypoint = "Runtime.InvalidEntrypoint"
)

// fault is why an invocation, or an initialisation, failed.
type fault struct {
	kind     string
	text     string
	reported *lambda.FunctionError // by the runtime itself; kind and text are empty
}

// errorType is what the log and the API show.
func (f *fault) errorType() string {
	if f.reported != nil {
		return f.reported.Type
	}
	return f.kind
}

// answer is the fault as the caller of one invocation sees it.
func (f *fault) answer(requestID string) *lambda.FunctionError {
	if f.reported != nil {
		return f.reported
	}
	return runtimeapi.NewError(f.kind, "RequestId: "+requestID+" Error: "+f.text)
}

// status is what REPORT and INIT_REPORT show.
func (f *fault) status() string {
	if f.kind == typeTimeout {
		return "timeout"
	}
	return "error"
}

func timeoutFault(limit time.Duration) *fault {
	return &fault{kind: typeTimeout, text: fmt.Sprintf("Task timed out after %.2f seconds", limit.Seconds())}
}

// exitFault says how a runtime ended. A kill that came with a rise of the box's count
// of out-of-memory kills is one, also where the driver saw only the signal.
func (i *Instance) exitFault(e sandbox.Exit) *fault {
	if e.Signal == syscall.SIGKILL && !e.OutOfMemory {
		e.OutOfMemory = i.killedForMemory()
	}
	return exitFault(e, i.target.Version.MemorySize)
}

// killedForMemory reports whether the kernel killed a process of the box for want of
// memory since an invocation was last measured.
func (i *Instance) killedForMemory() bool {
	ctx, cancel := context.WithTimeoutCause(context.Background(), time.Second, errReset)
	defer cancel()
	u, err := i.box.Usage(ctx)
	i.gauge.mu.Lock()
	defer i.gauge.mu.Unlock()
	return err == nil && u.OOMKills > i.gauge.last.OOMKills
}

func exitFault(e sandbox.Exit, memory int) *fault {
	switch {
	case e.OutOfMemory:
		return &fault{kind: typeOutOfMemory, text: fmt.Sprintf("Runtime ran out of memory: the function has %d MB (signal: killed)", memory)}
	case e.Signal != 0:
		return &fault{kind: typeExit, text: "Runtime exited with error: signal: " + e.Signal.String()}
	case e.Code != 0:
		return &fault{kind: typeExit, text: fmt.Sprintf("Runtime exited with error: exit status %d", e.Code)}
	default:
		return &fault{kind: typeExit, text: "Runtime exited without providing a reason"}
	}
}

// runFault is the function's fault in an error of Run: its program cannot be executed.
// Nil if the error is the platform's.
func runFault(path string, err error) *fault {
	for _, code := range append(badInterpreter(), syscall.ENOENT, syscall.EACCES, syscall.ENOEXEC, syscall.ENOTDIR, syscall.ELOOP) {
		if errors.Is(err, code) && !errors.Is(err, sandbox.ErrClosed) {
			return &fault{kind: typeInvalidEntrypoint, text: "fork/exec " + path + ": " + code.Error()}
		}
	}
	return nil
}

// entrypoint chooses the first of the commands that exists. A single command is taken
// as it is; of several, those below a mounted folder are looked for on the host.
func entrypoint(commands []string, mounts []sandbox.Mount) (string, *fault) {
	if len(commands) == 1 && !strings.HasPrefix(commands[0], taskRoot+"/") {
		return commands[0], nil
	}
	for _, c := range commands {
		info, err := statInside(c, mounts)
		if err != nil {
			continue
		}
		if info.Mode().IsRegular() && info.Mode().Perm()&0o111 == 0 || info.IsDir() {
			return "", &fault{kind: typeInvalidEntrypoint, text: "fork/exec " + c + ": permission denied"}
		}
		return c, nil
	}
	return "", &fault{kind: typeInvalidEntrypoint, text: fmt.Sprintf("Couldn't find valid bootstrap(s): %v", commands)}
}

// statInside looks at a file of the box through the host folder that is mounted there.
// The folder is the function's: a link in it is not followed.
func statInside(name string, mounts []sandbox.Mount) (fs.FileInfo, error) {
	for _, m := range mounts {
		rest, ok := strings.CutPrefix(name, path.Clean(m.Target)+"/")
		if !ok {
			continue
		}
		root, err := os.OpenRoot(m.Source)
		if err != nil {
			return nil, err
		}
		info, err := root.Lstat(rest)
		return info, errors.Join(err, root.Close())
	}
	return nil, fs.ErrNotExist
}
