package runtimes

import (
	"path"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// pythons are the versions that the bootstrap supports.
var pythons = []string{
	"python3.14", "python3.13", "python3.12", "python3.11", "python3.10",
	"python3.9", "python3.8", "python3.7", "python3.6",
}

// execWrapper names a program that starts the runtime, with the runtime's command as
// arguments. Source: AWS Lambda Developer Guide, "Modifying the runtime environment":
// managed runtimes only.
const execWrapper = "AWS_LAMBDA_EXEC_WRAPPER"

func isPython(id string) bool { return slices.Contains(pythons, id) }

func (c *Catalogue) python(v *lambda.Version) (Launch, error) {
	found, err := c.interpreter(v.Runtime)
	if err != nil {
		return Launch{}, err
	}
	program := found.Path
	mounts := []sandbox.Mount{{Source: c.bootstrap, Target: RuntimeDir}}
	if found.prefix != "" {
		program = languageDir + "/bin/" + v.Runtime
		mounts = append(mounts, sandbox.Mount{Source: found.prefix, Target: languageDir})
	}
	command := []string{program, RuntimeDir + "/bootstrap.py"}
	if wrapper := v.Environment[execWrapper]; wrapper != "" {
		command = append([]string{inTask(wrapper)}, command...)
	}
	l := Launch{
		Protocol: Framed,
		Mounts:   mounts,
		Commands: command[:1],
		Args:     command[1:],
		Env:      pythonEnvironment(v, found.library),
		Fresh:    freshFor(v, fresh.python),
	}
	if l.Fresh == "" {
		l.Preload, l.Alone = v.Runtime, v.Runtime+"/"+alone
	}
	return l, nil
}

// inTask makes a path absolute as the function's working folder does.
func inTask(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(TaskRoot, name)
}

// pythonEnvironment keeps the folder of the interpreter's own library in
// LD_LIBRARY_PATH, also where the function sets that variable: without it the
// interpreter does not start.
func pythonEnvironment(v *lambda.Version, library string) []string {
	env := environment(v, languageDir, "AWS_Lambda_"+v.Runtime)
	for i, pair := range env {
		set, ok := strings.CutPrefix(pair, "LD_LIBRARY_PATH=")
		if ok && library != "" && !strings.Contains(":"+set+":", ":"+library+":") {
			env[i] = "LD_LIBRARY_PATH=" + strings.TrimPrefix(set+":"+library, ":")
		}
	}
	return append(env, "PYTHONPATH="+own(v, "PYTHONPATH", RuntimeDir))
}
