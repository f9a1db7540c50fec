package lambda

import "fmt"

// UntrustedTag is the tag of functions whose code is somebody else's: "true" or "false".
const UntrustedTag = "lambent:untrusted"

// InForceTag is among the tags that GetFunction shows: the tier that the version runs in,
// whoever chose it. Nobody sets it. Tools leave tags that begin with aws: alone.
const InForceTag = "aws:lambent:isolation"

// Isolation is the rule of an account: how strongly its functions are isolated.
type Isolation struct {
	Default   Tier // of functions that name none; at least Floor
	Floor     Tier // no function's is weaker; 0 = none is too weak
	Untrusted Tier // that of an untrusted function is not weaker; 0 = as for others
}

// Choose returns the tier of a version of a function with these settings. Where several say
// something the strongest holds. The tier is what was asked for also with an error, which
// says that this is weaker than the account allows: nothing else is put in its place.
func (r Isolation) Choose(s Settings, v *Version) (Tier, error) {
	tier := s.Tier
	if tier == 0 {
		tier = r.unnamed(s)
	}
	tier = max(tier, v.Capacity.settings().Tier)
	switch {
	case tier < r.Floor:
		return tier, fmt.Errorf("the isolation %s is below this account's floor: use %s or a stronger one", tier, r.Floor)
	case s.Untrusted && tier < r.Untrusted:
		return tier, fmt.Errorf("the isolation %s is too weak for code that is tagged %s: use %s or a stronger one, or name none", tier, UntrustedTag, r.Untrusted)
	}
	return tier, nil
}

// unnamed is the tier of a function that names none.
func (r Isolation) unnamed(s Settings) Tier {
	if s.Untrusted {
		return max(r.Default, r.Untrusted)
	}
	return r.Default
}

func parseUntrusted(value string) (bool, error) {
	switch value {
	case "true", "false":
		return value == "true", nil
	}
	return false, fmt.Errorf("bad value %q: use true or false", value)
}
