package runtimes

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// ErrUnavailable is wrapped by what Resolve answers for a runtime that this host, or
// Lambent, does not have. The text says what was looked for.
var ErrUnavailable = errors.New("runtime is not available")

// Protocol is how a runtime talks to its instance.
type Protocol int

// The protocols. Package runtimeapi describes both.
const (
	Framed Protocol = iota + 1 // Lambent's own bootstraps
	HTTP                       // AWS's Runtime API
)

// Folders inside a sandbox, as on Lambda.
const (
	TaskRoot    = "/var/task"    // the function's code
	RuntimeDir  = "/var/runtime" // the bootstrap
	languageDir = "/var/lang"    // the interpreter
	layersDir   = "/opt"
)

// Launch is all that is needed to run a runtime in a bound sandbox. The commands run
// in TaskRoot; all variables that name the function are package instance's.
type Launch struct {
	Protocol Protocol
	Mounts   []sandbox.Mount // interpreter at /var/lang, bootstrap at /var/runtime; none for provided
	// Commands are the paths to try in order, inside the sandbox: one for managed
	// runtimes (the function's AWS_LAMBDA_EXEC_WRAPPER where it names one), the
	// bootstrap places for provided ones (AWS: /var/runtime/bootstrap,
	// /var/task/bootstrap, /opt/bootstrap). The first that exists is run.
	Commands []string
	Args     []string
	// Direct asks for the stream itself in the place of a channel that it arrives
	// through: Node receives no descriptors. See package sandbox.
	Direct bool
	// Preload names the interpreter that may be started before the function is known; ""
	// = none may, and Fresh says why, or there is none.
	Preload string
	// Alone names the same, started for one sandbox: no zygote forks it. It is for those who
	// share nothing.
	Alone string
	Fresh string // "NODE_OPTIONS is honoured by a fresh interpreter only"
	// Env is of the runtime: PATH, LANG, LD_LIBRARY_PATH, AWS_EXECUTION_ENV … It has
	// taken the function's own variables into account already and goes over them.
	Env []string
}

// Options say where things are.
type Options struct {
	// Dir is a folder of this catalogue's own. The bootstraps are written there, to be
	// mounted; functions must be able to read it.
	Dir string
	// Search lists the folders to look in for interpreters, best first, as patterns
	// of path/filepath.Match. nil means where each language's usually are.
	Search []string
}

// Catalogue is what this host can run. Its methods may be called from many
// goroutines.
type Catalogue struct {
	bootstrap     string // folder of the Python bootstrap
	nodeBootstrap string
	search        []string // for Python
	nodeSearch    []string
	found         interpreters
	nodes         nodePrograms
}

// New writes the bootstraps. It runs no interpreter: Resolve and List do.
func New(o Options) (*Catalogue, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	bootstrap, err := writeBootstrap(dir, "python")
	if err != nil {
		return nil, fmt.Errorf("writing the Python bootstrap: %w", err)
	}
	nodeBootstrap, err := writeBootstrap(dir, "node")
	if err != nil {
		return nil, fmt.Errorf("writing the Node bootstrap: %w", err)
	}
	c := &Catalogue{bootstrap: bootstrap, nodeBootstrap: nodeBootstrap, search: o.Search, nodeSearch: o.Search}
	if o.Search == nil {
		c.search, c.nodeSearch = pythonFolders(), nodeFolders()
	}
	return c, nil
}

// Resolve says how to run a version. The first call for an interpreter runs it once
// and takes some tens of milliseconds, later ones take microseconds; what was not
// found is looked for again. Errors that wrap ErrUnavailable are for the caller who
// creates a function.
func (c *Catalogue) Resolve(v *lambda.Version) (Launch, error) {
	switch {
	case isPython(v.Runtime):
		return c.python(v)
	case isNode(v.Runtime):
		return c.node(v)
	case isProvided(v.Runtime):
		return provided(v), nil
	case Known(v.Runtime):
		return Launch{}, fmt.Errorf("%w: Lambent cannot run %s yet", ErrUnavailable, v.Runtime)
	default:
		return Launch{}, fmt.Errorf("%w: there is no runtime %.60q", ErrUnavailable, v.Runtime)
	}
}

// provided runs what the package brings. Source: AWS Lambda Developer Guide,
// "Building a custom runtime"; the order is that of AWS's runtime emulator.
func provided(v *lambda.Version) Launch {
	return Launch{
		Protocol: HTTP,
		Commands: []string{RuntimeDir + "/bootstrap", TaskRoot + "/bootstrap", layersDir + "/bootstrap"},
		Env:      environment(v, "", ""),
		Preload:  anyProgram, Alone: anyProgram,
	}
}

func isProvided(id string) bool {
	return id == "provided" || strings.HasPrefix(id, "provided.al") && Known(id)
}
