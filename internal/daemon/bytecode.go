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
// still being activated has it compiled then.
func (d *Daemon) expectBytecode(fn *lambda.Function) {
	for _, qualifier := range versionsOf(fn) {
		if t, err := d.router.Resolve(fn.ID, qualifier); err == nil {
			d.bytecode.Expect(t)
		}
	}
}

// versionsOf names the versions of a function, $LATEST first.
func versionsOf(fn *lambda.Function) []string {
	names := []string{lambda.Latest}
	for _, v := range fn.Published {
		names = append(names, v.Version)
	}
	return names
}

// shown says whether a sandbox shows a package.
func (d *Daemon) shown(digest string) bool {
	return d.pool.Holds(digest) || d.bytecode.Shows(digest)
}
