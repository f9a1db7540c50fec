package sandbox

import (
	"fmt"
	"path/filepath"
	"slices"
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
			lacks = append(lacks, fmt.Sprintf("%s (found: %s%s): %s", c.Name, c.Found, needed(c), c.Fix))
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return fmt.Errorf("isolation %s is %w: %s", tier, ErrUnavailable, strings.Join(lacks, "; "))
}

func needed(c Check) string {
	if c.Needed == "" {
		return ""
	}
	return "; needed: " + c.Needed
}

// Check says what is wrong with a workload for every driver: it needs limits, and shows folders of the
// host once each at one of targets.
func (w *Workload) Check(targets []string) error {
	if w.Memory <= 0 || w.Pids <= 0 {
		return fmt.Errorf("a workload needs limits: memory %d, pids %d", w.Memory, w.Pids)
	}
	return CheckMounts(w.Mounts, targets)
}

// CheckMounts is the part of Workload.Check that is about mounts.
func CheckMounts(mounts []Mount, targets []string) error {
	var seen []string
	for _, m := range mounts {
		if !filepath.IsAbs(m.Source) || !slices.Contains(targets, m.Target) || slices.Contains(seen, m.Target) {
			return fmt.Errorf("mount %s at %s: a folder of the host may be shown once at each of %v", m.Source, m.Target, targets)
		}
		seen = append(seen, m.Target)
	}
	return nil
}
