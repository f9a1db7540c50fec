package bytecode

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
)

// work is what is to be compiled of one version of a function.
type work struct {
	tier    lambda.Tier
	account string // of the function: sandboxes are not shared between accounts
	runtime string
	code    string   // digest
	layers  []string // digests, in order
}

func workOf(t *lambda.Target) work {
	v := &t.Version
	return work{tier: t.Tier, account: t.ID.Account, runtime: v.Runtime, code: v.Code.Digest, layers: v.LayerDigests()}
}

// unit is one folder that functions see: code, or layers laid over each other.
type unit struct {
	work
	digest string // names the folder
	target string // where functions see it
}

func (w work) units() []unit {
	units := []unit{{w, w.code, "/var/task"}}
	if len(w.layers) > 0 {
		units = append(units, unit{w, lambda.LayersDigest(w.layers), "/opt"})
	}
	return units
}

// folder unpacks what is to be compiled.
func (u unit) folder(ctx context.Context, p Packages) (string, error) {
	if u.target == "/var/task" {
		return p.Folder(ctx, u.digest)
	}
	return p.Layers(ctx, u.layers)
}

// key is what a unit is made once for.
type key struct{ runtime, digest string }

func (u unit) key() key { return key{u.runtime, u.digest} }
