package lambda

import "time"

// Latest is the qualifier of a function's unpublished version.
const Latest = "$LATEST"

// FunctionID names a function. It is comparable and keys maps.
type FunctionID struct {
	Account string // 12 digits
	Region  string
	Name    string
}

// ARN returns the function's ARN without a qualifier.
func (id FunctionID) ARN() string {
	return "arn:aws:lambda:" + id.Region + ":" + id.Account + ":function:" + id.Name
}

// QualifiedARN returns the ARN that names one version or alias.
func (id FunctionID) QualifiedARN(qualifier string) string {
	if qualifier == "" {
		return id.ARN()
	}
	return id.ARN() + ":" + qualifier
}

// LogGroup is where a function's log goes unless it names another group.
func (id FunctionID) LogGroup() string { return "/aws/lambda/" + id.Name }

// Function is all that is kept of a function.
type Function struct {
	ID     FunctionID
	Tags   map[string]string
	Latest Version
	// Serving is what runs as $LATEST while an update of it is in progress, and after one
	// that failed: its last good state. nil = Latest itself.
	Serving *Version
	// Published holds the numbered versions in ascending order.
	Published []Version
	// LastVersion is the highest number that was ever published: none is used twice.
	LastVersion int
	Aliases     []Alias // by name, ascending
	// ReservedConcurrency is nil where none is reserved.
	ReservedConcurrency *int
	Provisioned         map[string]ProvisionedConfig // by number or alias
	Policies            map[string]Policy            // by qualifier; "" = the function itself
	EventInvoke         map[string]EventInvokeConfig // by "$LATEST", number or alias
	RecursiveLoop       string                       // "Allow" or "Terminate"; "" = Terminate
}

// Version is one state of a function's code and configuration: "$LATEST" or a
// published, immutable number.
type Version struct {
	Version     string // "$LATEST" or decimal
	Description string
	Role        string
	Runtime     string // "" for images
	Handler     string
	Timeout     int // seconds
	MemorySize  int // MiB
	TmpSize     int // MiB of /tmp (EphemeralStorage.Size)
	Environment map[string]string
	// EnvironmentSet records that the request named an Environment, even an empty
	// one: AWS echoes {"Variables":{}} only then.
	EnvironmentSet bool
	PackageType    string // "Zip"
	Architecture   string // "x86_64" or "arm64"
	TracingMode    string // "PassThrough" or "Active"
	Logging        Logging
	Code           Code
	Layers         []LayerRef // in the order in which they are laid over each other
	Tenancy        string     `json:",omitempty"` // PerTenant; "" = instances serve everybody. All versions of a function have the same
	Capacity       *Capacity  `json:",omitempty"` // nil = it runs under no capacity provider
	// SnapStart is "PublishedVersions", or "" for none: left out of Content then, so that
	// what was published before there was such a field is still the same.
	SnapStart string `json:",omitzero"`

	State                      string // "Pending", "Active", "Inactive", "Failed"
	StateReason                string
	StateReasonCode            string
	LastUpdateStatus           string // "" while Pending, then "Successful", "InProgress", "Failed"
	LastUpdateStatusReason     string
	LastUpdateStatusReasonCode string
	RevisionID                 string
	LastModified               time.Time

	// Generation rises with every change of code, configuration or tier. Pools of
	// instances are keyed by it.
	Generation uint64
	// PublishedFrom is the Content of the $LATEST that a published version was made of.
	PublishedFrom string
}

// Digests yields the names of all that the version consists of: the content addresses of
// its code and its layers, and LayersDigest of these. It is an iter.Seq.
func (v *Version) Digests(yield func(string) bool) {
	all := append([]string{v.Code.Digest}, v.LayerDigests()...)
	if len(v.Layers) > 0 {
		all = append(all, LayersDigest(v.LayerDigests()))
	}
	for _, digest := range all {
		if !yield(digest) {
			return
		}
	}
}

// LayerRef is a layer version that a function version uses.
type LayerRef struct {
	ARN    string // of the layer version
	Size   int64  // bytes of the package
	Digest string // hex of its SHA-256: the blob's content address
}

// Logging says how a function's log is written.
type Logging struct {
	Format           string // "Text" or "JSON"
	ApplicationLevel string // "" with Text
	SystemLevel      string // "" with Text
	Group            string
}

// Code is a deployment package.
type Code struct {
	SHA256 string // base64 of the package's SHA-256, as AWS shows it
	Digest string // hex of the same: the blob's content address
	Size   int64  // bytes of the package
}

// CodeSize is how many bytes the function's packages take: each version has its own.
func (fn *Function) CodeSize() int64 {
	size := fn.Latest.Code.Size
	for i := range fn.Published {
		size += fn.Published[i].Code.Size
	}
	return size
}
