package lambdaapi

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"

	"lambent.dev/lambent/internal/lambda"
)

// configuration is the shape FunctionConfiguration, with the members in use.
type configuration struct {
	FunctionName         string          `json:"FunctionName"`
	FunctionARN          string          `json:"FunctionArn"`
	Runtime              string          `json:"Runtime,omitempty"`
	Role                 string          `json:"Role"`
	Handler              string          `json:"Handler,omitempty"`
	CodeSize             int64           `json:"CodeSize"`
	Description          string          `json:"Description"`
	Timeout              int             `json:"Timeout"`
	MemorySize           int             `json:"MemorySize"`
	LastModified         string          `json:"LastModified"`
	CodeSHA256           string          `json:"CodeSha256"`
	Version              string          `json:"Version"`
	Environment          *environment    `json:"Environment,omitempty"`
	TracingConfig        tracing         `json:"TracingConfig"`
	RevisionID           string          `json:"RevisionId"`
	State                string          `json:"State,omitempty"`
	StateReason          string          `json:"StateReason,omitempty"`
	StateReasonCode      string          `json:"StateReasonCode,omitempty"`
	LastUpdateStatus     string          `json:"LastUpdateStatus,omitempty"`
	LastUpdateReason     string          `json:"LastUpdateStatusReason,omitempty"`
	LastUpdateReasonCode string          `json:"LastUpdateStatusReasonCode,omitempty"`
	PackageType          string          `json:"PackageType"`
	Architectures        []string        `json:"Architectures"`
	EphemeralStorage     storage         `json:"EphemeralStorage"`
	SnapStart            snapStart       `json:"SnapStart"`
	RuntimeVersionConfig *runtimeVersion `json:"RuntimeVersionConfig,omitempty"`
	LoggingConfig        logging         `json:"LoggingConfig"`
	Layers               []usedLayer     `json:"Layers,omitempty"`
	TenancyConfig        *tenancy        `json:"TenancyConfig,omitempty"`
	CapacityProvider     *capacityConfig `json:"CapacityProviderConfig,omitempty"`
}

type environment struct {
	Variables map[string]string `json:"Variables,omitzero"`
	Error     *environmentError `json:"Error,omitempty"`
}

type environmentError struct {
	ErrorCode string `json:"ErrorCode"`
	Message   string `json:"Message"`
}

type tracing struct {
	Mode string `json:"Mode"`
}

type storage struct {
	Size int `json:"Size"`
}

type snapStart struct {
	ApplyOn            string `json:"ApplyOn"`
	OptimizationStatus string `json:"OptimizationStatus"`
}

type runtimeVersion struct {
	RuntimeVersionARN string `json:"RuntimeVersionArn"`
}

type logging struct {
	LogFormat           string `json:"LogFormat"`
	ApplicationLogLevel string `json:"ApplicationLogLevel,omitempty"`
	SystemLogLevel      string `json:"SystemLogLevel,omitempty"`
	LogGroup            string `json:"LogGroup"`
}

// modifiedFormat is how LastModified is written.
const modifiedFormat = "2006-01-02T15:04:05.000-0700"

// describe renders a version. The qualifier is what the caller named: the ARN carries
// it only then.
func describe(id lambda.FunctionID, v *lambda.Version, qualifier string) configuration {
	c := configuration{
		FunctionName: id.Name, FunctionARN: id.QualifiedARN(qualifier),
		Runtime: v.Runtime, Role: v.Role, Handler: v.Handler,
		CodeSize: v.Code.Size, CodeSHA256: v.Code.SHA256,
		Description: v.Description, Timeout: v.Timeout, MemorySize: v.MemorySize,
		LastModified: v.LastModified.UTC().Format(modifiedFormat),
		Version:      v.Version, RevisionID: v.RevisionID,
		State: v.State, StateReason: v.StateReason, StateReasonCode: v.StateReasonCode,
		LastUpdateStatus: v.LastUpdateStatus, LastUpdateReason: v.LastUpdateStatusReason, LastUpdateReasonCode: v.LastUpdateStatusReasonCode,
		PackageType: v.PackageType, Architectures: []string{v.Architecture},
		TracingConfig:    tracing{v.TracingMode},
		EphemeralStorage: storage{v.TmpSize},
		SnapStart:        describeSnapStart(v),
		LoggingConfig:    logging{v.Logging.Format, v.Logging.ApplicationLevel, v.Logging.SystemLevel, v.Logging.Group},
	}
	c.Environment = describeEnvironment(v)
	c.Layers = describeLayers(v)
	c.TenancyConfig, c.CapacityProvider = describeTenancy(v), describeCapacity(v)
	c.RuntimeVersionConfig = describeRuntime(id, v)
	return c
}

// describeSnapStart says On of a version whose starts are restores.
func describeSnapStart(v *lambda.Version) snapStart {
	s := snapStart{ApplyOn: cmp.Or(v.SnapStart, lambda.SnapStartNone), OptimizationStatus: "Off"}
	if v.Optimized() {
		s.OptimizationStatus = "On"
	}
	return s
}

// describeEnvironment echoes an environment only if one was ever set.
func describeEnvironment(v *lambda.Version) *environment {
	if !v.EnvironmentSet {
		return nil
	}
	if v.Environment == nil {
		return &environment{Variables: map[string]string{}}
	}
	return &environment{Variables: v.Environment}
}

// describeRuntime makes up a stable ARN per runtime: clients only compare it.
func describeRuntime(id lambda.FunctionID, v *lambda.Version) *runtimeVersion {
	if v.Runtime == "" {
		return nil
	}
	sum := sha256.Sum256([]byte("lambent runtime " + v.Runtime))
	return &runtimeVersion{"arn:aws:lambda:" + id.Region + "::runtime:" + hex.EncodeToString(sum[:])}
}

// summarize drops what lists leave out.
func (c configuration) summarize() configuration {
	c.State, c.StateReason, c.StateReasonCode = "", "", ""
	c.LastUpdateStatus, c.LastUpdateReason, c.LastUpdateReasonCode = "", "", ""
	c.RuntimeVersionConfig = nil
	return c
}

// redact hides the environment from a caller that may not see it, in the shape in
// which AWS says so.
func (c configuration) redact(allowed bool) configuration {
	if !allowed && c.Environment != nil {
		c.Environment = &environment{Error: &environmentError{
			ErrorCode: lambda.ErrAccessDenied.Name,
			Message:   "A function sees the environment of no other function.",
		}}
	}
	return c
}
