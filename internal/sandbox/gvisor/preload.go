package gvisor

import (
	"fmt"
	"path/filepath"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/templates"
)

// resolvePreload says what a base's preload is. Where a protection is taken away nothing is
// preloaded: the attack suite is about what the agent executes. What could become any program
// is not either: the agent starts a program as fast as that would.
func (d *Driver) resolvePreload(name string) (*sandbox.Preload, error) {
	p, err := templates.Preload(lambda.TierGVisor, d.options.Preload, len(d.options.Without) > 0, name)
	if p == nil || err != nil {
		return nil, err
	}
	if p.Command.Path == "" {
		return nil, nil
	}
	if !filepath.IsAbs(p.Command.Path) {
		return nil, fmt.Errorf("preloading %s: %q is not an absolute path", name, p.Command.Path)
	}
	return p, nil
}

// shown are the mounts that every box of the template has.
func (t *template) shown() []sandbox.Mount {
	if t.preload == nil {
		return nil
	}
	return t.preload.Mounts
}
