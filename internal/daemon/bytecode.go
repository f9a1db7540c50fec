package daemon

import (
	"lambent.dev/lambent/internal/bytecode"
	"lambent.dev/lambent/internal/lambda"
)

func (d *Daemon) bytecodeDeps() bytecode.Deps {
	return bytecode.Deps{
		Packages: d.parts.packages, Compiler: d.parts.catalogue.Compiler, Templates: d.parts.templates.Get,
		Owner: d.parts.owner, Log: d.log,
	}
}

// expectBytecode has what an earlier process did not finish compiled. A function that is
// still being activated has it compiled then. Nothing of the function stays in memory that
// is compiled already.
func (d *Daemon) expectBytecode(fn *lambda.Function) {
	settings, err := lambda.ParseSettings(fn.Tags)
	if err != nil {
		return // the router has left it out
	}
	for _, v := range append([]lambda.Version{*fn.Runs()}, fn.Published...) {
		tier, err := d.isolation.Choose(settings, &v)
		if v.State == "Active" && err == nil {
			d.bytecode.Expect(&lambda.Target{ID: fn.ID, Version: v, Tier: tier})
		}
	}
}

// shown says whether a sandbox may show a package. What those of earlier servers show,
// which still finish, is not known here.
func (d *Daemon) shown(digest string) bool {
	return len(d.predecessors.living()) > 0 || d.pool.Holds(digest) || d.bytecode.Shows(digest)
}
