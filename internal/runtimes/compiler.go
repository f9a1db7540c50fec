package runtimes

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// Compiler says how packages are compiled for a runtime, inside a sandbox that shows
// Mounts and a package. Package bytecode describes what the program answers.
type Compiler struct {
	Mounts  []sandbox.Mount
	Command sandbox.Command // without the package's folder, which is its last argument
	// Sources are how the names of what it compiles end.
	Sources []string
	// Least is how many bytes of sources a package has at least that gains something.
	Least int64
	// Suffix is what the interpreter puts in the place of ".py" in the names of the
	// compiled files in __pycache__ (PEP 3147); "" where Cache is used.
	Suffix string
	// Cache is the folder of a package in which the interpreter finds what was compiled; "" where
	// that stands beside each source.
	Cache string
}

// CompiledKind names what is compiled for a version: the same for all versions of a package
// that can use it. V8 takes no code that was made for a heap of another size.
func CompiledKind(v *lambda.Version) string {
	if isNode(v.Runtime) {
		return v.Runtime + "-" + strconv.Itoa(v.MemorySize)
	}
	return v.Runtime
}

// Compiler returns how to compile for a version. Its error wraps ErrUnavailable where
// nothing can be compiled for its runtime, or the host lacks the interpreter.
func (c *Catalogue) Compiler(v *lambda.Version) (Compiler, error) {
	switch {
	case isPython(v.Runtime):
		return c.pythonCompiler(v.Runtime)
	case isNode(v.Runtime):
		return c.nodeCompiler(v)
	}
	return Compiler{}, fmt.Errorf("compiling for %.60s: %w", v.Runtime, ErrUnavailable)
}

func (c *Catalogue) pythonCompiler(runtime string) (Compiler, error) {
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
		Sources: []string{".py"},
		Suffix:  ".cpython-" + strings.ReplaceAll(strings.TrimPrefix(runtime, "python"), ".", "") + ".pyc",
	}, nil
}

// What is compiled for Node: see nodeCompiler.
const (
	// sinceCompileCache is the release that can write its compile cache when it is told to.
	sinceCompileCache = "v22.10.0"
	// compileCache is the folder of a package that the bootstrap looks for.
	compileCache = ".lambent-compile-cache"
	// leastJavaScript is where reading the cache begins to take less than it saves, in bytes.
	leastJavaScript = 8 << 10
)

// nodeCompiler fills Node's own compile cache, with the flags that the function's Node is
// started with: V8 looks at them, and at its own version, before it takes anything.
func (c *Catalogue) nodeCompiler(v *lambda.Version) (Compiler, error) {
	plain := &lambda.Version{Runtime: v.Runtime, MemorySize: v.MemorySize}
	found, err := c.findNode(v.Runtime)
	if err != nil {
		return Compiler{}, err
	}
	if semver.Compare("v"+found.Version, sinceCompileCache) < 0 {
		return Compiler{}, fmt.Errorf("compiling for Node.js %s, which has no compile cache of this kind: %w", found.Version, ErrUnavailable)
	}
	launch, err := c.node(plain)
	if err != nil {
		return Compiler{}, err
	}
	flags := launch.Args[:len(launch.Args)-1] // without the bootstrap
	return Compiler{
		Mounts: launch.Mounts,
		Command: sandbox.Command{
			Path: launch.Commands[0], Env: launch.Env, Dir: "/",
			Args: append(flags[:len(flags):len(flags)], "--expose-internals", RuntimeDir+"/lambent_compile.js"),
		},
		Sources: []string{".js", ".cjs", ".mjs"},
		Least:   leastJavaScript,
		Cache:   compileCache,
	}, nil
}
