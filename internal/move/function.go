package move

import "context"

// Function is a function with all its versions. Its JSON is what files hold.
type Function struct {
	Name     string            `json:"name"`
	Tags     map[string]string `json:"tags,omitempty"`
	Reserved *int32            `json:"reservedConcurrency,omitempty"`
	Versions []Version         `json:"versions"` // published ones by number, then $LATEST
	Aliases  []Alias           `json:"aliases,omitempty"`
	Layers   []Layer           `json:"layers,omitempty"` // that versions use, each once
	Events   []Events          `json:"events,omitempty"`

	Permissions []Permission `json:"permissions,omitempty"`
	Recursion   string       `json:"recursiveLoop,omitempty"` // "Allow"; "" = what a new function has
	// Behind names, for people, what is attached to the function and not carried.
	Behind []string `json:"behind,omitempty"`
}

// Version is one version and the settings that it has.
type Version struct {
	Number      string            `json:"number"` // "1", or "$LATEST"
	SHA256      string            `json:"sha256"` // of the code, base64
	Description string            `json:"description,omitempty"`
	Runtime     string            `json:"runtime"`
	Handler     string            `json:"handler"`
	Role        string            `json:"role"`
	Memory      int32             `json:"memory"`  // MB
	Timeout     int32             `json:"timeout"` // seconds
	Tmp         int32             `json:"tmp"`     // MB
	Environment map[string]string `json:"environment,omitempty"`
	Tracing     string            `json:"tracing,omitempty"`
	Logging     *Logging          `json:"logging,omitempty"`
	Machine     string            `json:"architecture,omitempty"`
	Layers      []string          `json:"layers,omitempty"`    // ARNs in their old place, in order
	SnapStart   string            `json:"snapStart,omitempty"` // "PublishedVersions"; "" = none
	Tenancy     string            `json:"tenancy,omitempty"`   // "PER_TENANT", of all versions; "" = none
}

// Logging is how a version logs.
type Logging struct {
	Group       string `json:"group,omitempty"` // "" = the function's own
	Format      string `json:"format,omitempty"`
	Application string `json:"applicationLevel,omitempty"`
	System      string `json:"systemLevel,omitempty"`
}

// Alias is a name for one version, or for two with weights.
type Alias struct {
	Name        string             `json:"name"`
	Version     string             `json:"version"`
	Description string             `json:"description,omitempty"`
	Weights     map[string]float64 `json:"weights,omitempty"` // of the additional version
}

const latest = "$LATEST"

// Source is a place that functions come from.
type Source interface {
	// Names lists the functions.
	Names(ctx context.Context) ([]string, error)
	// Function describes one, or says what of it cannot be carried.
	Function(ctx context.Context, name string) (*Function, error)
	// Code returns the package of one version, which has been checked against its SHA256.
	Code(ctx context.Context, name string, v *Version) ([]byte, error)
	// Layer returns the package of a layer, which has been checked likewise.
	Layer(ctx context.Context, l *Layer) ([]byte, error)
}
