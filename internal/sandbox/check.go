package sandbox

import (
	"fmt"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// Need is a required check that is OK when err is nil. found is what is found then, and needed else.
func Need(name, found string, err error, fix string) Check {
	if err != nil {
		return Check{Name: name, Found: strings.ReplaceAll(err.Error(), "\n", "; "), Required: true, Needed: found, Fix: fix}
	}
	return Check{Name: name, Found: found, OK: true, Required: true}
}

// Missing is nil, or wraps ErrUnavailable and says all that a tier requires and that is not
// there.
func Missing(tier lambda.Tier, checks []Check) error {
	var lacks []string
	for _, c := range checks {
		if c.Required && !c.OK {
			lacks = append(lacks, fmt.Sprintf("%s (found: %s): %s", c.Name, c.Found, c.Fix))
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return fmt.Errorf("isolation %s is %w: %s", tier, ErrUnavailable, strings.Join(lacks, "; "))
}
