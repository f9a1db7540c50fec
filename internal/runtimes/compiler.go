package runtimes

import (
	"fmt"
	"strings"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// Compiler says how packages are compiled for a runtime, inside a sandbox that shows
// Mounts and a package. Package bytecode describes what the program answers.
type Compiler struct {
	Mounts  []sandbox.Mount
	Command sandbox.Command // without the package's folder, which is its last argument
	// Suffix is what the interpreter puts in the place of ".py" in the names of the
	// compiled files in __pycache__ (PEP 3147).
	Suffix string
}

// Compiler returns how to compile for a runtime. Its error wraps ErrUnavailable where
// nothing can be compiled for a runtime, or the host lacks the interpreter.
func (c *Catalogue) Compiler(runtime string) (Compiler, error) {
	if !isPython(runtime) {
		return Compiler{}, fmt.Errorf("compiling for %.60s: %w", runtime, ErrUnavailable)
	}
	launch, err := c.python(&lambda.Version{Runtime: runtime})
	if err != nil {
		return Compiler{}, err
	}
	return Compiler{
		Mounts: launch.Mounts,
		Command: sandbox.Command{
			Path: launch.Commands[0], Env: launch.Env, Dir: "/",
			// Isolated, without site: nothing but the standard library is ever imported.
			Args: []string{"-I", "-S", "-B", "-W", "ignore", RuntimeDir + "/lambent_compile.py"},
		},
		Suffix: ".cpython-" + strings.ReplaceAll(strings.TrimPrefix(runtime, "python"), ".", "") + ".pyc",
	}, nil
}
