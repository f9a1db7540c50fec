package process

import (
	"path/filepath"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/sandbox"
)

// paths rewrites names inside a box to names of the host.
type paths []sandbox.Mount

// newPaths orders mounts so that the longest Target is tried first.
func newPaths(mounts []sandbox.Mount, tmp string) paths {
	p := append(slices.Clone(paths(mounts)), sandbox.Mount{Source: tmp, Target: "/tmp"})
	slices.SortStableFunc(p, func(a, b sandbox.Mount) int { return len(b.Target) - len(a.Target) })
	return p
}

// one rewrites a single path.
func (p paths) one(name string) string {
	for _, m := range p {
		rest, found := strings.CutPrefix(name, m.Target)
		if found && (rest == "" || rest[0] == '/') {
			return filepath.Clean(m.Source) + rest
		}
	}
	return name
}

// list rewrites every element of a value like PATH's.
func (p paths) list(value string) string {
	elements := strings.Split(value, ":")
	for i, e := range elements {
		elements[i] = p.one(e)
	}
	return strings.Join(elements, ":")
}

// values rewrites a list of arguments.
func (p paths) values(in []string) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = p.list(v)
	}
	return out
}

// env rewrites the values of "K=V" pairs.
func (p paths) env(in []string) []string {
	out := make([]string, len(in))
	for i, kv := range in {
		key, value, _ := strings.Cut(kv, "=")
		out[i] = key + "=" + p.list(value)
	}
	return out
}
