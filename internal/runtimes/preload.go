package runtimes

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// fresh are the variables that only an interpreter that starts with them honours: a
// function that sets one gets no interpreter that was started before. A name that ends
// with * stands for all that begin so.
var fresh = struct{ all, python, node []string }{
	// The dynamic linker, libc and OpenSSL read them once (ld.so(8), locale(7), openssl-env(7)).
	all: []string{"LD_*", "GLIBC_TUNABLES", "MALLOC_*", "LC_*", "LANG", "LANGUAGE", "LOCPATH", "OPENSSL_*", "SSL_CERT_*", execWrapper},
	// python(1), "Environment variables".
	python: []string{"PYTHON*"},
	// node(1), "Environment"; NODE_ENV is read by programs, not by Node.
	node: []string{"NODE_*", "UV_*", "ICU_DATA"},
}

// notFresh are exceptions from fresh.
var notFresh = []string{"NODE_ENV"}

// freshFor says why a version needs a fresh interpreter; "" = it does not.
func freshFor(v *lambda.Version, names []string) string {
	for _, set := range slices.Sorted(maps.Keys(v.Environment)) {
		if slices.Contains(notFresh, set) {
			continue
		}
		for _, name := range slices.Concat(fresh.all, names) {
			if prefix, wild := strings.CutSuffix(name, "*"); set == name || wild && strings.HasPrefix(set, prefix) {
				return set + " is honoured by a fresh interpreter only"
			}
		}
	}
	return ""
}

// anyProgram names the preload of functions that bring their own program: a process that
// waits to become it.
const anyProgram = "program"

// alone ends the name of an interpreter that is executed where another would be forked.
const alone = "alone"

// Preload says how the interpreter is started that a Launch names.
func (c *Catalogue) Preload(name string) (sandbox.Preload, error) {
	if name == anyProgram {
		return sandbox.Preload{}, nil
	}
	runtime, memory, sized := strings.Cut(name, "/")
	v := &lambda.Version{Runtime: runtime}
	if sized && memory != alone {
		size, err := strconv.Atoi(memory)
		if err != nil {
			return sandbox.Preload{}, fmt.Errorf("preload %q: bad memory size", name)
		}
		v.MemorySize = size
	}
	launch, err := c.Resolve(v)
	if err != nil {
		return sandbox.Preload{}, err
	}
	if launch.Preload != name && launch.Alone != name {
		return sandbox.Preload{}, fmt.Errorf("preload %q: there is no such interpreter", name)
	}
	p := sandbox.Preload{Mounts: launch.Mounts, Command: sandbox.Command{
		Path: launch.Commands[0], Args: launch.Args, Env: launch.Env, Dir: "/", Stream: true, Direct: launch.Direct,
	}}
	if isPython(runtime) && memory != alone {
		p.Zygote = []string{launch.Commands[0], RuntimeDir + "/zygote.py"}
		p.Copies, p.Rehearses = true, true
	}
	return p, nil
}
