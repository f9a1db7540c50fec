package lambda

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Lambent's settings are tags of a function with this prefix, so that every AWS tool
// can set them. They apply to all its versions.
const settingPrefix = "lambent:"

// Tags that hold settings. IsolationTag is the first of them.
const (
	CPUTag         = "lambent:cpu"
	ConcurrencyTag = "lambent:concurrency"
)

// Settings are the values of a function's lambent: tags.
type Settings struct {
	Tier     Tier    // 0 = the account's default
	Network  Network // "" = the server's default
	Allow    string  // AllowTag, checked; "" = nothing more
	Only     string  // OnlyTag, checked; "" = all that the profile has
	CPUQuota float64 // CPUs, a hard limit; 0 = none
	Class    Class   // 0 = by how it is invoked
	Keep     Keep
	// Untrusted says that the code is somebody else's: the account has a tier for that.
	Untrusted bool

	Concurrency int // requests at once in one instance, 1 to MaxConcurrency
}

// maxCPU is the largest quota that can be asked for, in CPUs.
const maxCPU = 1024

// MaxConcurrency is how many requests one instance can be given at once. Source: AWS
// Lambda API Reference, PerExecutionEnvironmentMaxConcurrency.
const MaxConcurrency = 1600

// ParseSettings reads the lambent: tags among tags. A bad value and a name that does
// not exist are errors in the words of the caller.
func ParseSettings(tags map[string]string) (Settings, error) {
	s := Settings{Concurrency: 1}
	for _, name := range settingNames(tags) {
		if err := s.set(name, tags[name]); err != nil {
			return Settings{}, err
		}
	}
	return s, nil
}

// settingNames sorts, so that the same tags always fail with the same error.
func settingNames(tags map[string]string) []string {
	var names []string
	for name := range tags {
		if strings.HasPrefix(name, settingPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (s *Settings) set(name, value string) (err error) {
	switch name {
	case IsolationTag:
		s.Tier, err = ParseTier(value)
	case UntrustedTag:
		s.Untrusted, err = parseUntrusted(value)
	case NetworkTag:
		s.Network, err = ParseNetwork(value)
	case AllowTag:
		s.Allow, err = value, checkReach(value, "")
	case OnlyTag:
		s.Only, err = value, checkReach("", value)
	case CPUTag:
		s.CPUQuota, err = parseCPU(value)
	case ClassTag:
		s.Class, err = ParseClass(value)
	case KeepAliveTag, P99Tag:
		err = s.Keep.set(name, value)
	case ConcurrencyTag:
		s.Concurrency, err = parseConcurrency(value)
	default:
		return unknownSetting(name)
	}
	if err != nil {
		return fmt.Errorf("tag %s: %w", name, err)
	}
	return nil
}

// laterSettings are names that are kept for what Lambent does not do yet.
var laterSettings = []string{"lambent:mode"}

func unknownSetting(name string) error {
	if slices.Contains(laterSettings, name) {
		return fmt.Errorf("tag %s: Lambent does not support this setting yet", name)
	}
	return fmt.Errorf("unknown tag %q: did you mean %q?", name, nearest(name))
}

func parseCPU(value string) (float64, error) {
	cpus, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(cpus) || cpus < 0.01 || cpus > maxCPU {
		return 0, fmt.Errorf("bad number of CPUs %q: use 0.01 to %d", value, maxCPU)
	}
	return cpus, nil
}

func parseConcurrency(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > MaxConcurrency {
		return 0, fmt.Errorf("bad number of requests at once %q: use 1 to %d", value, MaxConcurrency)
	}
	return n, nil
}

// nearest returns the setting whose name takes the fewest edits to reach.
func nearest(name string) string {
	best, least := IsolationTag, math.MaxInt
	for _, known := range []string{IsolationTag, UntrustedTag, NetworkTag, AllowTag, OnlyTag, CPUTag, ConcurrencyTag, KeepAliveTag, P99Tag, ClassTag} {
		if d := distance(name, known); d < least {
			best, least = known, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two strings, in bytes. Tag names are at
// most 128 characters, so the product of the lengths is small.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitution := diagonal
			if a[i] != b[j] {
				substitution++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitution, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
