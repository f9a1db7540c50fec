package price

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/BurntSushi/toml"
)

//go:embed prices.toml
var embedded string

// A Table is what things cost, in US dollars.
type Table struct {
	Date    string   `toml:"date"` // when it was looked up, as 2006-01-02
	Region  string   `toml:"region"`
	Sources []string `toml:"sources"`

	Lambda           Lambda             `toml:"lambda"`
	SnapStart        SnapStart          `toml:"snapstart"`
	ManagedInstances ManagedInstances   `toml:"managed-instances"`
	Fargate          map[string]Fargate `toml:"fargate"` // by architecture
	EC2              map[string]EC2     `toml:"ec2"`     // by instance type
}

// Lambda is what functions cost.
type Lambda struct {
	Request float64 `toml:"request"` // each
	X86     Compute `toml:"x86_64"`
	Arm     Compute `toml:"arm64"`
}

// Compute is what a GB-second of a function costs on one architecture.
type Compute struct {
	Duration            []Step  `toml:"duration"`
	Provisioned         float64 `toml:"provisioned"`          // kept ready
	ProvisionedDuration float64 `toml:"provisioned-duration"` // running there
}

// A Step is the price of those GB-seconds of a month that lie below UpTo.
type Step struct {
	UpTo     float64 `toml:"upto"` // GB-seconds in a month; 0: without end
	GBSecond float64 `toml:"gb-second"`
}

// SnapStart is what snapshots of Python and .NET functions cost.
type SnapStart struct {
	CacheGBSecond float64 `toml:"cache-gb-second"`
	RestoreGB     float64 `toml:"restore-gb"`
}

// ManagedInstances is what Lambda asks beside the EC2 price.
type ManagedInstances struct {
	Fee float64 `toml:"fee"` // as a share of the EC2 price
}

// Fargate is what a task costs.
type Fargate struct {
	VCPUHour float64 `toml:"vcpu-hour"`
	GBHour   float64 `toml:"gb-hour"`
}

// EC2 is what an instance costs, on demand.
type EC2 struct {
	Architecture string  `toml:"architecture"`
	VCPU         float64 `toml:"vcpu"`
	GB           float64 `toml:"gb"`
	Hour         float64 `toml:"hour"`
}

// Default is the table in the program.
func Default() (*Table, error) {
	t := &Table{}
	return t, t.lay(embedded, "the table in the program")
}

// Load is the default table, overridden by a file. An unknown key is an error. Path "" is
// the default table.
func Load(path string) (*Table, error) {
	t, err := Default()
	if err != nil || path == "" {
		return t, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading prices: %w", err)
	}
	return t, t.lay(string(text), path)
}

// staleAfter is how old a table may be before it is said: AWS changes some price every few months.
const staleAfter = 270 * 24 * time.Hour

// Stale is a sentence about a table that is old, "" about another.
func (t *Table) Stale(now time.Time) string {
	date, err := time.Parse(time.DateOnly, t.Date)
	if err != nil || now.Sub(date) < staleAfter {
		return ""
	}
	return fmt.Sprintf("The prices are those of %s, %d days ago: look them up anew and lay a file over them with --prices.", t.Date, int(now.Sub(date).Hours()/24))
}

// lay puts what a text says over the table.
func (t *Table) lay(text, name string) error {
	t.forget(text)
	meta, err := toml.Decode(text, t)
	if err != nil {
		return fmt.Errorf("reading prices from %s: %w", name, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return fmt.Errorf("reading prices from %s: unknown key %s", name, unknown[0])
	}
	if err := t.check(); err != nil {
		return fmt.Errorf("reading prices from %s: %w", name, err)
	}
	return nil
}

// forget drops the steps that a text gives anew: the decoder would merge old and new ones.
func (t *Table) forget(text string) {
	meta, _ := toml.Decode(text, &Table{}) // whoever decodes it next reports the error
	if meta.IsDefined("lambda", "x86_64", "duration") {
		t.Lambda.X86.Duration = nil
	}
	if meta.IsDefined("lambda", "arm64", "duration") {
		t.Lambda.Arm.Duration = nil
	}
}

func (t *Table) check() error {
	if _, err := time.Parse(time.DateOnly, t.Date); err != nil {
		return fmt.Errorf("date %q is not as 2006-01-02", t.Date)
	}
	for name, c := range map[string]Compute{"x86_64": t.Lambda.X86, "arm64": t.Lambda.Arm} {
		if err := c.check(); err != nil {
			return fmt.Errorf("lambda.%s: %w", name, err)
		}
	}
	if t.Lambda.Request < 0 {
		return errors.New("lambda.request is below 0")
	}
	return nil
}

func (c Compute) check() error {
	if len(c.Duration) == 0 || c.Duration[len(c.Duration)-1].UpTo != 0 {
		return errors.New("the last step of duration must have no upto")
	}
	steps := c.Duration[:len(c.Duration)-1]
	if !slices.IsSortedFunc(steps, func(a, b Step) int { return int(min(1, max(-1, a.UpTo-b.UpTo))) }) || len(steps) > 0 && steps[0].UpTo <= 0 {
		return errors.New("the steps of duration must rise")
	}
	if slices.ContainsFunc(c.Duration, func(s Step) bool { return s.GBSecond < 0 }) || c.Provisioned < 0 || c.ProvisionedDuration < 0 {
		return errors.New("a price is below 0")
	}
	return nil
}
