package runtimes

import "lambent.dev/lambent/internal/sandbox"

// Protocol is how a runtime talks to its instance.
type Protocol int

// The protocols. Package runtimeapi describes both.
const (
	Framed Protocol = iota + 1 // Lambent's own bootstraps
	HTTP                       // AWS's Runtime API
)

// Launch is all that is needed to run a runtime in a bound sandbox.
type Launch struct {
	Protocol Protocol
	Mounts   []sandbox.Mount // interpreter at /var/lang, bootstrap at /var/runtime; none for provided
	// Commands are the paths to try in order, inside the sandbox: one for managed
	// runtimes, the bootstrap places for provided ones (AWS: /var/runtime/bootstrap,
	// /var/task/bootstrap, /opt/bootstrap). The first that exists is run.
	Commands []string
	Args     []string
	Env      []string // of the runtime: PATH, LANG, LD_LIBRARY_PATH, AWS_EXECUTION_ENV …
}
