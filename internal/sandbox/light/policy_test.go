package light

import (
	"slices"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
)

func TestPolicyAssembles(t *testing.T) {
	filter, err := assemble(policy)
	if err != nil {
		t.Fatal(err)
	}
	if len(filter) == 0 || len(filter) > 8<<10 {
		t.Errorf("the filter has %d bytes", len(filter))
	}
}

func TestPolicyNamesRealCalls(t *testing.T) {
	tables := []map[string]int{arch.X86_64.SyscallNames, arch.AARCH64.SyscallNames}
	exists := func(name string) bool {
		return slices.ContainsFunc(tables, func(names map[string]int) bool { _, ok := names[name]; return ok })
	}
	seen := map[string]bool{}
	for _, f := range append(policy, family{"absent", absent}) {
		for _, name := range f.names {
			if seen[name] {
				t.Errorf("%s is listed twice", name)
			}
			seen[name] = true
			if !exists(name) {
				t.Errorf("%s: no machine knows %s", f.reason, name)
			}
		}
	}
}
