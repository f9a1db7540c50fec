package bench

import (
	"context"
	"io"
	"time"
)

// Interpreter is one of this host's, which Lambent's runtime of that name uses as well.
type Interpreter struct {
	Runtime string // "python3.11"; "" = the host has none
	Path    string
	Version string
}

// Example is a function beside the built-in workloads.
type Example struct {
	Name, Runtime, Handler string
	Zip                    []byte
	Event                  string // JSON
	Proves                 bool   // its answers say when the module was imported
	Memory                 int32  // MB; 0 = 128
	Environment            map[string]string
}

// Options say what is measured, with what, and for how long.
type Options struct {
	Version string // of Lambent
	Program string // path of lambent
	Helper  string // path of lambent-bench
	// PythonClient is the folder of awslambdaric, AWS's runtime client, for Debian's Python.
	PythonClient string

	Python, Node Interpreter
	Examples     []Example
	Subject      *Example // of the group tiers; nil = a greeting
	// Boxes opens what makes and destroys sandboxes of the tier light in this process, as
	// Lambent does. nil = not measured.
	Boxes func(ctx context.Context, dir string) (Boxes, error)

	Total       time.Duration // of all groups together, about
	Quick       bool          // a smoke run: as short as can be
	Only        []string      // names of groups; none = all
	Connections int           // that send at once in the group limits
	Functions   int           // deployed in the group memory
	Instances   int           // started in the group memory
	Rates       []float64     // requests per second in the group tail, beside half the maximum
	Keep        string        // folder to work in, which is kept; "" = a temporary one
	Settings    []string      // LAMBENT_…=… for every server
	Variants    []Variant     // measured beside, in the groups cold, idle and warm

	// Progress is told what is being measured, and nil at the end. It may be nil.
	Progress func(Step)
	// Warn gets what a person should know and no row says. It may not be nil.
	Warn io.Writer
}

// Variant is another way to start a server, measured by turns with the usual one.
type Variant struct {
	Name     string // "lambent without stems"
	Program  string // "" = the one under test
	Settings []string
}

// Boxes makes and destroys sandboxes. Cycle may be called from many goroutines.
type Boxes interface {
	Cycle(ctx context.Context) error
	io.Closer
}

// Step is a group that begins or has ended.
type Step struct {
	Number, Of int
	Group      Group
	Lasts      time.Duration // about
	Rows       []Row         // of a group that has ended
	Done       bool
}

// Groups lists the names of all groups, in the order in which they run.
func Groups() []string {
	var names []string
	for _, g := range plan() {
		names = append(names, g.name)
	}
	return names
}
