package bytecode

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimes"
)

// work is what is to be compiled of one version of a function.
type work struct {
	tier    lambda.Tier
	account string // of the function: sandboxes are not shared between accounts
	runtime string
	memory  int      // MiB
	kind    string   // of what is made: runtimes.CompiledKind
	code    string   // digest
	layers  []string // digests, in order
}

func workOf(t *lambda.Target) work {
	v := &t.Version
	return work{
		tier: t.Tier, account: t.ID.Account, runtime: v.Runtime, memory: v.MemorySize, kind: runtimes.CompiledKind(v),
		code: v.Code.Digest, layers: v.LayerDigests(),
	}
}

const taskRoot = "/var/task"

// unit is one folder that functions see: code, or layers laid over each other.
type unit struct {
	work
	digest string // names the folder
	target string // where functions see it
}

func (w work) units() []unit {
	units := []unit{{w, w.code, taskRoot}}
	if len(w.layers) > 0 {
		units = append(units, unit{w, lambda.LayersDigest(w.layers), "/opt"})
	}
	return units
}

// version is what a compiler depends on.
func (w work) version() *lambda.Version {
	return &lambda.Version{Runtime: w.runtime, MemorySize: w.memory}
}

// fits says whether a unit is one that a compiler compiles. A cache names files by the paths
// that it was made for, which the tier process does not have, and there is one for each program.
func (u unit) fits(c runtimes.Compiler) bool {
	return c.Cache == "" || u.target == taskRoot && u.tier > lambda.TierProcess
}

// folder unpacks what is to be compiled.
func (u unit) folder(ctx context.Context, p Packages) (string, error) {
	if u.target == taskRoot {
		return p.Folder(ctx, u.digest)
	}
	return p.Layers(ctx, u.layers)
}

// key is what a unit is made once for.
type key struct{ kind, digest string }

func (u unit) key() key { return key{u.kind, u.digest} }
