package lambda

import (
	"fmt"
	"slices"
	"time"
)

// ProviderID names a capacity provider. It is comparable.
type ProviderID struct {
	Account string // 12 digits
	Region  string
	Name    string
}

// ARN returns the provider's ARN.
func (id ProviderID) ARN() string {
	return "arn:aws:lambda:" + id.Region + ":" + id.Account + ":capacity-provider:" + id.Name
}

// CapacityProvider is a named set of isolation, concurrency and limits that functions run
// under: its tags hold them. The rest is what AWS's API has of one, kept to be shown.
type CapacityProvider struct {
	ID             ProviderID
	Tags           map[string]string
	OperatorRole   string
	Subnets        []string
	SecurityGroups []string
	Architectures  []string
	MaxCPUs        int // 0 = not named
	ScalingMode    string
	LastModified   time.Time
}

// Capacity is what a version has of a capacity provider.
type Capacity struct {
	ARN string
	// MaxConcurrency is how many requests one instance may be given at once; 0 = as tags say.
	MaxConcurrency int
	// MemoryPerCPU is the GiB of memory for which an instance may use one CPU; 0 = no limit
	// comes of it.
	MemoryPerCPU float64
	// Settings are the provider's tags that are settings, as of now: who changes them changes
	// them here.
	Settings map[string]string `json:",omitempty"`
}

// providerSettings are the tags with lambent: that a capacity provider may have.
var providerSettings = []string{IsolationTag, ConcurrencyTag, CPUTag}

// ParseProviderSettings reads the settings among the tags of a capacity provider, and
// returns the tags that they are.
func ParseProviderSettings(tags map[string]string) (Settings, map[string]string, error) {
	var own map[string]string
	for _, name := range settingNames(tags) {
		if !slices.Contains(providerSettings, name) {
			return Settings{}, nil, fmt.Errorf("a capacity provider has no setting %q: it can have %s, %s and %s", name, IsolationTag, ConcurrencyTag, CPUTag)
		}
		if own == nil {
			own = map[string]string{}
		}
		own[name] = tags[name]
	}
	s, err := ParseSettings(own)
	return s, own, err
}

// settings are the provider's; the zero value stands for none.
func (c *Capacity) settings() Settings {
	if c == nil {
		return Settings{}
	}
	s, _, err := ParseProviderSettings(c.Settings)
	if err != nil { // what is stored was checked; a tier that nobody knows is never weaker
		s.Tier = TierMicroVM
	}
	return s
}

// Limit returns the settings of a function as a version has them: of what function and
// capacity provider say the tighter limit holds. The tier is Isolation's to choose.
func (c *Capacity) Limit(s Settings, tags map[string]string, memory int) Settings {
	if c == nil {
		return s
	}
	p := c.settings()
	var concurrency limit[int]
	if tags[ConcurrencyTag] != "" {
		concurrency.add(s.Concurrency)
	}
	if c.Settings[ConcurrencyTag] != "" {
		concurrency.add(p.Concurrency)
	}
	concurrency.add(c.MaxConcurrency)
	s.Concurrency = max(concurrency.least, 1)

	cpus := limit[float64]{s.CPUQuota}
	cpus.add(p.CPUQuota)
	if c.MemoryPerCPU > 0 {
		cpus.add(float64(memory) / 1024 / c.MemoryPerCPU)
	}
	s.CPUQuota = cpus.least
	return s
}

// limit is the least of what was added; 0 = nothing was.
type limit[T int | float64] struct{ least T }

func (l *limit[T]) add(n T) {
	if n > 0 && (l.least == 0 || n < l.least) {
		l.least = n
	}
}
