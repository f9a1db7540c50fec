package lambda

import "fmt"

// Tier says how strongly a sandbox isolates. Tiers are ordered: a greater one
// isolates more strongly.
type Tier int

// The tiers, weakest first.
const (
	TierProcess Tier = iota + 1 // no isolation: development only
	TierLight                   // namespaces, cgroup, seccomp
	TierGVisor                  // a kernel in user space between function and host
	TierMicroVM                 // a guest kernel of its own
)

// IsolationTag is the tag that sets a function's tier.
const IsolationTag = "lambent:isolation"

var tierNames = [...]string{TierProcess: "process", TierLight: "light", TierGVisor: "gvisor", TierMicroVM: "microvm"}

// String returns the tier's name as the tag and the CLI write it.
func (t Tier) String() string {
	if t < TierProcess || t > TierMicroVM {
		return fmt.Sprintf("tier(%d)", int(t))
	}
	return tierNames[t]
}

// ParseTier reads a tier's name.
func ParseTier(name string) (Tier, error) {
	for t := TierProcess; t <= TierMicroVM; t++ {
		if tierNames[t] == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("unknown isolation %q: use process, light, gvisor or microvm", name)
}
